/* The least that finding a customer in SQLite can cost: one prepared SELECT by id in a loop, one thread, nothing around it.
   cc -O2 sqlite_floor.c -lsqlite3 && ./a.out FILE SECONDS */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *SQL =
    "SELECT id, email, name, surname, phone, notes, photo_id, photo_width, photo_height, created_by, last_modified_by, "
    "created_at, last_modified_at, version, deleted_at, erased_at FROM customers WHERE id = ?";

int main(int argc, char **argv) {
  sqlite3 *db;
  sqlite3_stmt *find;
  unsigned long long chance = 88172645463325252ULL, bytes = 0;
  long found = 0;
  if (argc != 3 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, 0)) return 1;
  if (sqlite3_prepare_v2(db, SQL, -1, &find, 0)) return 1;
  time_t end = time(0) + atoi(argv[2]);
  clock_t begun = clock();
  while (found % 64 || time(0) < end) {
    chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
    sqlite3_bind_int64(find, 1, chance % 1000000 + 1);
    if (sqlite3_step(find) != SQLITE_ROW) return 2;
    for (int column = 0; column < sqlite3_column_count(find); column++) bytes += sqlite3_column_bytes(find, column);
    sqlite3_reset(find);
    found++;
  }
  printf("found=%ld cpu_s_per_1000=%.5f bytes=%llu\n", found, (double)(clock() - begun) / CLOCKS_PER_SEC * 1000 / found, bytes);
}
