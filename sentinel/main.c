// SPDX-License-Identifier: PostgreSQL
// The program: commands as an array, exit codes, the only exit.
int main(void)
{
	return 2;
}
