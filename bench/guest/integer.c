// Sorting, sieving, tables, compressing, scanning, chasing, parsing.
#include "bench.h"
#include <stdlib.h>
#include <string.h>

static void quicksort(uint64_t *a, long n)
{
    while (n > 16) {
        uint64_t pivot = a[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                uint64_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        quicksort(a, j + 1);
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++) {
        uint64_t v = a[i];
        long j = i;
        for (; j > 0 && a[j - 1] > v; j--)
            a[j] = a[j - 1];
        a[j] = v;
    }
}

static uint64_t sort(void)
{
    enum { N = 1 << 20 };
    static uint64_t a[N];
    uint64_t state = 1;
    for (int i = 0; i < N; i++)
        a[i] = next_random(&state);
    quicksort(a, N);
    return a[N / 3] + a[N / 2];
}

static uint64_t sieve(void)
{
    enum { N = 4 << 20 };
    static char composite[N];
    uint64_t primes = 0;
    for (int round = 0; round < 4; round++) {
        memset(composite, 0, N);
        for (long i = 2; i < N; i++) {
            if (composite[i])
                continue;
            primes++;
            for (long j = i * i; j < N; j += i)
                composite[j] = 1;
        }
    }
    return primes;
}

static uint64_t crc(void)
{
    enum { N = 1 << 20 };
    static uint32_t table[256];
    static unsigned char data[N];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (int i = 0; i < N; i++)
        data[i] = (unsigned char)(i * 7);
    uint32_t c = ~0u;
    for (int round = 0; round < 48; round++)
        for (int i = 0; i < N; i++)
            c = table[(c ^ data[i]) & 255] ^ (c >> 8);
    return c;
}

static void fill_text(char *text, int n)
{
    static const char *const words[] = {"the ", "quick ", "brown ", "fox ", "jumps ", "over ", "a ", "lazy ", "dog, ", "again. "};
    uint64_t state = 3;
    int at = 0;
    while (at < n - 16) {
        const char *w = words[next_random(&state) % 10];
        int length = (int)strlen(w);
        memcpy(text + at, w, length);
        at += length;
    }
    memset(text + at, 0, n - at);
}

static uint64_t compress(void)
{
    enum { N = 1 << 20, HASH = 1 << 14 };
    static char text[N + 64];
    static int heads[HASH];
    static unsigned char out[2 * N];
    fill_text(text, N);
    uint64_t sum = HASH_START;
    for (int round = 0; round < 30; round++) {
        memset(heads, 0xFF, sizeof heads);
        int n = 0;
        for (int i = 0; i < N;) {
            uint32_t four;
            memcpy(&four, text + i, 4);
            int h = (four * 2654435761u) >> 18, at = heads[h], length = 0;
            heads[h] = i;
            if (at >= 0)
                while (length < 255 && i + length < N && text[at + length] == text[i + length])
                    length++;
            if (length >= 4) {
                out[n++] = 255;
                out[n++] = (unsigned char)length;
                out[n++] = (unsigned char)((i - at) >> 8);
                out[n++] = (unsigned char)(i - at);
                i += length;
            } else {
                out[n++] = (unsigned char)text[i++];
            }
        }
        sum = hash_bytes(sum, out, 1024) + n;
    }
    return sum;
}

static uint64_t scan(void)
{
    enum { N = 1 << 20 };
    static char text[N];
    fill_text(text, N);
    uint64_t found = 0;
    for (int round = 0; round < 64; round++) {
        const char *p = text;
        while (*p) {
            if (*p == 'q' && p[1] == 'u')
                found++;
            p++;
        }
        found += p - text;
    }
    return found;
}

struct node {
    struct node *left, *right;
    uint64_t key;
};

static uint64_t trees(void)
{
    enum { N = 60000 };
    static struct node nodes[N];
    struct node *root = NULL;
    uint64_t state = 5, sum = 0;
    for (int i = 0; i < N; i++) {
        struct node **at = &root;
        nodes[i] = (struct node){NULL, NULL, next_random(&state)};
        while (*at)
            at = nodes[i].key < (*at)->key ? &(*at)->left : &(*at)->right;
        *at = &nodes[i];
    }
    for (int i = 0; i < 4 * N; i++) {
        uint64_t key = next_random(&state);
        for (struct node *n = root; n; n = key < n->key ? n->left : n->right)
            sum += n->key & 1;
    }
    return sum;
}

static uint64_t lists(void)
{
    enum { N = 1 << 13 };
    static struct node nodes[N];
    static int order[N];
    uint64_t state = 7, sum = 0;
    for (int i = 0; i < N; i++)
        order[i] = i;
    for (int i = N - 1; i > 0; i--) {
        int j = (int)(next_random(&state) % (i + 1)), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (int i = 0; i < N; i++)
        nodes[order[i]] = (struct node){&nodes[order[(i + 1) % N]], NULL, i};
    struct node *n = nodes;
    for (int i = 0; i < 30000000; i++, n = n->left)
        sum += n->key;
    return sum;
}

static uint64_t parse(void)
{
    enum { N = 1 << 20 };
    static char text[N];
    uint64_t state = 9, sum = 0;
    int at = 0;
    while (at < N - 64) {
        switch (next_random(&state) % 5) {
        case 0: memcpy(text + at, "{\"key\": ", 8); at += 8; break;
        case 1: memcpy(text + at, "\"a \\\"string\\\"\", ", 16); at += 16; break;
        case 2: memcpy(text + at, "-12345.678e9, ", 14); at += 14; break;
        case 3: memcpy(text + at, "[true, null], ", 14); at += 14; break;
        default: memcpy(text + at, "}\n", 2); at += 2; break;
        }
    }
    for (int round = 0; round < 32; round++) {
        long numbers = 0, strings = 0, names = 0, depth = 0;
        for (const char *p = text; *p;) {
            if (*p == '"') {
                for (p++; *p && *p != '"'; p++)
                    if (*p == '\\')
                        p++;
                p++;
                strings++;
            } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
                while (*p == '-' || *p == '.' || *p == 'e' || (*p >= '0' && *p <= '9'))
                    p++;
                numbers++;
            } else if (*p >= 'a' && *p <= 'z') {
                while (*p >= 'a' && *p <= 'z')
                    p++;
                names++;
            } else {
                depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
                p++;
            }
        }
        sum += numbers * 3 + strings * 5 + names * 7 + depth;
    }
    return sum;
}

static uint64_t hashing(void)
{
    enum { SLOTS = 1 << 16 };
    static uint64_t keys[SLOTS], values[SLOTS];
    uint64_t state = 11, sum = 0;
    memset(keys, 0, sizeof keys);
    for (int i = 0; i < 5000000; i++) {
        uint64_t key = next_random(&state) % 40000 + 1;
        uint32_t h = (uint32_t)(key * 0x9E3779B97F4A7C15u >> 48);
        while (keys[h] && keys[h] != key)
            h = (h + 1) % SLOTS;
        keys[h] = key;
        sum += values[h]++;
    }
    memset(values, 0, sizeof values);
    return sum;
}

const struct workload integer_workloads[] = {
    {"sort", "integer", "quicksort of 2^20 random 64-bit numbers", sort},
    {"sieve", "integer", "sieve of Eratosthenes to 4 million, bytes", sieve},
    {"crc", "integer", "CRC-32 of 48 MiB by a table", crc},
    {"compress", "integer", "LZ77 with a hash table over 30 MiB of words", compress},
    {"scan", "integer", "search for two letters in 64 MiB of text, byte by byte", scan},
    {"trees", "integer", "insertions and searches in an unbalanced binary tree of 60,000 nodes", trees},
    {"lists", "integer", "a walk along a shuffled list of 8,192 nodes", lists},
    {"parse", "integer", "a tokenizer over 32 MiB of something like JSON", parse},
    {"hashing", "integer", "counting 5 million keys in an open hash table", hashing},
    {0},
};
