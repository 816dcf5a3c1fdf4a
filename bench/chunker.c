// The plain loop of the chunker: what bench/chunker.ts compares ours with.
//
// chunker TABLE CORPUS AVERAGE SKIP: the table as 256 words, the bytes to cut, the average length of chunks, and whether the bytes that cannot end a
// chunk are passed over (1) or hashed like all others (0). Prints seconds, the number of chunks, and a checksum of where they end.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WINDOW = 64 };

static uint32_t table[256];

static inline uint32_t rotl(uint32_t hash) { return hash << 1 | hash >> 31; }

/** Length of the first chunk of `have` bytes. */
static size_t cut(const uint8_t *bytes, size_t have, size_t average, int skip) {
  const size_t min = average / 4, max = average * 4;
  const uint32_t mask = (uint32_t)average * 2 - 1, limit = mask - 2;
  const size_t end = have < max ? have : max;
  if (end < min) return end;
  size_t i = skip ? min - WINDOW : 0;
  uint32_t hash = 0;
  for (const size_t full = i + WINDOW; i < full; i++)
    hash = rotl(hash) ^ table[bytes[i]];
  for (; i < min; i++)
    hash = rotl(hash) ^ table[bytes[i - WINDOW]] ^ table[bytes[i]];
  if ((hash & mask) >= limit) return i;
  while (i < end) {
    hash = rotl(hash) ^ table[bytes[i - WINDOW]] ^ table[bytes[i]];
    i++;
    if ((hash & mask) >= limit) return i;
  }
  return end;
}

static void *load(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
  *size = (size_t)ftell(file);
  rewind(file);
  void *bytes = malloc(*size);
  if (bytes == NULL || fread(bytes, 1, *size, file) != *size) exit(2);
  fclose(file);
  return bytes;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **args) {
  if (count != 5) return 2;
  size_t size, words;
  const uint32_t *given = load(args[1], &words);
  if (words != sizeof table) return 2;
  for (int i = 0; i < 256; i++) table[i] = given[i];
  const uint8_t *bytes = load(args[2], &size);
  const size_t average = (size_t)atol(args[3]);
  const int skip = atoi(args[4]);
  size_t chunks = 0;
  uint32_t sum = 0;
  const double start = now();
  for (size_t at = 0; at < size; chunks++) {
    at += cut(bytes + at, size - at, average, skip);
    sum = sum * 31 + (uint32_t)at;
  }
  printf("%.6f %zu %u\n", now() - start, chunks, sum);
  return 0;
}
