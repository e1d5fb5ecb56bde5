// SHA-256, AES-128 and ChaCha20, in C and with the processor's instructions.
#include "bench.h"
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROL(x, n) ((x) << (n) | (x) >> (32 - (n)))

enum { DATA = 1 << 20 };
static unsigned char data[DATA];

static void fill(void)
{
    for (int i = 0; i < DATA; i++)
        data[i] = (unsigned char)(i * 31 + (i >> 8));
}

static uint64_t sha256(void)
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    fill();
    for (int at = 0; at < 32 * DATA; at += 64) {
        uint32_t w[64], v[8];
        for (int i = 0; i < 16; i++) {
            memcpy(&w[i], data + at % DATA + 4 * i, 4);
            w[i] = __builtin_bswap32(w[i]);
        }
        for (int i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + w[i - 7] + (ROR(a, 7) ^ ROR(a, 18) ^ a >> 3) + (ROR(b, 17) ^ ROR(b, 19) ^ b >> 10);
        }
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 64; i++) {
            uint32_t t = v[7] + (ROR(v[4], 6) ^ ROR(v[4], 11) ^ ROR(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
            uint32_t u = (ROR(v[0], 2) ^ ROR(v[0], 13) ^ ROR(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            memmove(v + 1, v, 7 * sizeof *v);
            v[4] += t;
            v[0] = t + u;
        }
        for (int i = 0; i < 8; i++)
            h[i] += v[i];
    }
    return hash_bytes(HASH_START, h, sizeof h);
}

__attribute__((target("sha,sse4.1"))) static uint64_t sha256_ni(void)
{
    __m128i abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    __m128i cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    fill();
    for (long at = 0; at < 200l * DATA; at += 64) {
        __m128i w[4], a = abef, c = cdgh;
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + at % DATA) + i), swap);
        for (int i = 0; i < 16; i++) {
            __m128i k = _mm_add_epi32(w[i & 3], _mm_loadu_si128((const __m128i *)(sha_k + 4 * i)));
            c = _mm_sha256rnds2_epu32(c, a, k);
            a = _mm_sha256rnds2_epu32(a, c, _mm_shuffle_epi32(k, 0x0E));
            __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
        }
        abef = _mm_add_epi32(abef, a);
        cdgh = _mm_add_epi32(cdgh, c);
    }
    __m128i both[2] = {abef, cdgh};
    return hash_bytes(HASH_START, both, sizeof both);
}

static uint32_t aes_table[256], aes_keys[44];
static unsigned char aes_box[256];

static void aes_prepare(void)
{
    unsigned char p = 1, q = 1;
    do {
        p = (unsigned char)(p ^ p << 1 ^ (p & 0x80 ? 0x1B : 0));
        q = (unsigned char)(q ^ q << 1);
        q = (unsigned char)(q ^ q << 2);
        q = (unsigned char)(q ^ q << 4);
        q ^= q & 0x80 ? 9 : 0;
        unsigned x = q | (unsigned)q << 8;
        aes_box[p] = (unsigned char)(0x63 ^ x ^ x >> 7 ^ x >> 6 ^ x >> 5 ^ x >> 4);
    } while (p != 1);
    aes_box[0] = 0x63;
    for (int i = 0; i < 256; i++) {
        uint32_t s = aes_box[i], s2 = (s << 1) ^ (s & 0x80 ? 0x11B : 0);
        aes_table[i] = s2 | s << 8 | s << 16 | (s ^ s2) << 24;
    }
    uint32_t round = 1;
    for (int i = 0; i < 44; i++) {
        if (i < 4) {
            aes_keys[i] = 0x03020100u + 0x04040404u * i;
            continue;
        }
        uint32_t t = aes_keys[i - 1];
        if (i % 4 == 0) {
            t = ROR(t, 8);
            t = aes_box[t & 255] | (uint32_t)aes_box[t >> 8 & 255] << 8 | (uint32_t)aes_box[t >> 16 & 255] << 16 | (uint32_t)aes_box[t >> 24] << 24;
            t ^= round;
            round = round << 1 ^ (round & 0x80 ? 0x11B : 0);
        }
        aes_keys[i] = aes_keys[i - 4] ^ t;
    }
}

// Blocks chained, so that each depends on the last; the last round is as the others.
static uint64_t aes(void)
{
    aes_prepare();
    uint32_t s[4] = {1, 2, 3, 4}, t[4];
    for (int block = 0; block < 800000; block++) {
        for (int i = 0; i < 4; i++)
            s[i] ^= aes_keys[i];
        for (int r = 1; r <= 10; r++) {
            for (int i = 0; i < 4; i++)
                t[i] = aes_table[s[i] & 255] ^ ROL(aes_table[s[(i + 1) & 3] >> 8 & 255], 8) ^ ROL(aes_table[s[(i + 2) & 3] >> 16 & 255], 16)
                    ^ ROL(aes_table[s[(i + 3) & 3] >> 24], 24) ^ aes_keys[4 * r + i];
            memcpy(s, t, sizeof s);
        }
    }
    return hash_bytes(HASH_START, s, sizeof s);
}

__attribute__((target("aes,sse2"))) static uint64_t aes_ni(void)
{
    aes_prepare();
    __m128i s = _mm_set_epi32(4, 3, 2, 1), k[11];
    for (int r = 0; r < 11; r++)
        k[r] = _mm_loadu_si128((const __m128i *)(aes_keys + 4 * r));
    for (int block = 0; block < 6000000; block++) {
        s = _mm_xor_si128(s, k[0]);
        for (int r = 1; r <= 10; r++)
            s = _mm_aesenc_si128(s, k[r]);
    }
    return hash_bytes(HASH_START, &s, sizeof s);
}

static uint64_t chacha(void)
{
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, sum = 0;
    for (int i = 4; i < 16; i++)
        in[i] = 0x01010101u * i;
    for (int block = 0; block < 700000; block++) {
        uint32_t x[16];
        memcpy(x, in, sizeof x);
#define QUARTER(a, b, c, d) \
    x[a] += x[b]; x[d] = ROL(x[d] ^ x[a], 16); x[c] += x[d]; x[b] = ROL(x[b] ^ x[c], 12); \
    x[a] += x[b]; x[d] = ROL(x[d] ^ x[a], 8); x[c] += x[d]; x[b] = ROL(x[b] ^ x[c], 7)
        for (int i = 0; i < 10; i++) {
            QUARTER(0, 4, 8, 12);
            QUARTER(1, 5, 9, 13);
            QUARTER(2, 6, 10, 14);
            QUARTER(3, 7, 11, 15);
            QUARTER(0, 5, 10, 15);
            QUARTER(1, 6, 11, 12);
            QUARTER(2, 7, 8, 13);
            QUARTER(3, 4, 9, 14);
        }
        for (int i = 0; i < 16; i++)
            sum ^= x[i] + in[i];
        in[12]++;
    }
    return sum;
}

static int has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

static int has_aes(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 25 & 1);
}

const struct workload crypto_workloads[] = {
    {"sha256", "crypto", "SHA-256 of 32 MiB in C", sha256},
    {"sha256-ni", "crypto", "SHA-256 of 200 MiB with the SHA instructions", sha256_ni, has_sha},
    {"aes", "crypto", "800,000 chained AES-128 blocks by a table", aes},
    {"aes-ni", "crypto", "6 million chained AES-128 blocks with AESENC", aes_ni, has_aes},
    {"chacha20", "crypto", "700,000 ChaCha20 blocks in C", chacha},
    {0},
};
