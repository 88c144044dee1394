CREATE TABLE "Odd ""table"".name" (
	"a b" integer,
	"select" integer,
	"<b>bold</b>" text,
	"a_name_that_is_exactly_as_long_as_a_name_may_be_in_postgresql_1" integer,
	CONSTRAINT "it's odd" CHECK ("a b" > 0)
);
CREATE INDEX "Odd|index" ON "Odd ""table"".name" ("select");
