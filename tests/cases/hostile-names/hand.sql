ALTER TABLE "Odd ""table"".name" ADD COLUMN "new`column`" integer;
DROP INDEX "Odd|index";
