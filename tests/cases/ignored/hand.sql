CREATE TABLE tmp_import (id integer PRIMARY KEY, line text);
CREATE INDEX tmp_import_line_idx ON tmp_import (line);
