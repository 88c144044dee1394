-- PostgreSQL 16: SQL/JSON constructors and predicates, STORAGE in CREATE TABLE, any_value, XMLSERIALIZE INDENT.
CREATE TABLE app.stored (a text STORAGE EXTERNAL, b jsonb, CHECK (b IS JSON OBJECT WITH UNIQUE KEYS));
CREATE VIEW app.json_standard AS SELECT json_object('a': 1, 'b': name ABSENT ON NULL) AS o, json_array(1, name) AS a, any_value(id) AS v,
	json_arrayagg(name ORDER BY name RETURNING jsonb) AS g FROM app.users GROUP BY name;
CREATE VIEW app.xml_indented AS SELECT xmlserialize(document '<a/>'::xml AS text INDENT) AS x;
