// Floating point: SSE2 as the compiler makes it, AVX2 by intrinsics, x87.
#include "bench.h"
#include <immintrin.h>
#include <math.h>
#include <string.h>

static uint64_t bits(double d)
{
    uint64_t b;
    memcpy(&b, &d, sizeof b);
    return b;
}

static uint64_t matrix(void)
{
    enum { N = 240 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + j * 0.5;
            b[i][j] = i - j * 0.25;
        }
    for (int round = 0; round < 8; round++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
    return bits(c[17][33]);
}

static uint64_t nbody(void)
{
    enum { N = 5 };
    double p[N][3], v[N][3], m[N];
    for (int i = 0; i < N; i++) {
        m[i] = 1.0 / (i + 1);
        for (int k = 0; k < 3; k++) {
            p[i][k] = i * 1.5 + k * 0.7;
            v[i][k] = (k - 1) * 0.01 * i;
        }
    }
    for (int step = 0; step < 800000; step++) {
        for (int i = 0; i < N; i++)
            for (int j = i + 1; j < N; j++) {
                double d[3], r2 = 0.01;
                for (int k = 0; k < 3; k++) {
                    d[k] = p[i][k] - p[j][k];
                    r2 += d[k] * d[k];
                }
                double f = 0.001 / (r2 * sqrt(r2));
                for (int k = 0; k < 3; k++) {
                    v[i][k] -= d[k] * m[j] * f;
                    v[j][k] += d[k] * m[i] * f;
                }
            }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 3; k++)
                p[i][k] += v[i][k] * 0.001;
    }
    return bits(p[3][1]);
}

static uint64_t fft(void)
{
    enum { LOG = 14, N = 1 << LOG };
    static double re[N], im[N];
    for (int i = 0; i < N; i++) {
        re[i] = i % 17;
        im[i] = 0;
    }
    for (int round = 0; round < 200; round++) {
        for (int i = 1, j = 0; i < N; i++) {
            int bit = N >> 1;
            for (; j & bit; bit >>= 1)
                j ^= bit;
            j ^= bit;
            if (i < j) {
                double t = re[i];
                re[i] = re[j];
                re[j] = t;
                t = im[i];
                im[i] = im[j];
                im[j] = t;
            }
        }
        for (int length = 2; length <= N; length <<= 1) {
            double angle = 6.283185307179586 / length, wr = cos(angle), wi = sin(angle);
            for (int i = 0; i < N; i += length) {
                double cr = 1, ci = 0;
                for (int j = 0; j < length / 2; j++) {
                    int a = i + j, b = a + length / 2;
                    double xr = re[b] * cr - im[b] * ci, xi = re[b] * ci + im[b] * cr;
                    re[b] = (re[a] - xr) * 0.70710678;
                    im[b] = (im[a] - xi) * 0.70710678;
                    re[a] = (re[a] + xr) * 0.70710678;
                    im[a] = (im[a] + xi) * 0.70710678;
                    double t = cr * wr - ci * wi;
                    ci = cr * wi + ci * wr;
                    cr = t;
                }
            }
        }
    }
    return bits(re[5]) ^ bits(im[7]);
}

static uint64_t mandelbrot(void)
{
    uint64_t sum = 0;
    for (int y = 0; y < 300; y++)
        for (int x = 0; x < 300; x++) {
            double cr = x / 150.0 - 1.5, ci = y / 150.0 - 1, zr = 0, zi = 0;
            int n = 0;
            for (; n < 400 && zr * zr + zi * zi < 4; n++) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
            }
            sum += n;
        }
    return sum;
}

__attribute__((target("avx2"))) static uint64_t mandelbrot_avx2(void)
{
    uint64_t sum = 0;
    for (int y = 0; y < 600; y++)
        for (int x = 0; x < 600; x += 4) {
            __m256d cr = _mm256_sub_pd(_mm256_div_pd(_mm256_set_pd(x + 3, x + 2, x + 1, x), _mm256_set1_pd(300)), _mm256_set1_pd(1.5));
            __m256d ci = _mm256_set1_pd(y / 300.0 - 1), zr = _mm256_setzero_pd(), zi = zr;
            __m256i count = _mm256_setzero_si256();
            for (int n = 0; n < 400; n++) {
                __m256d r2 = _mm256_mul_pd(zr, zr), i2 = _mm256_mul_pd(zi, zi);
                __m256d inside = _mm256_cmp_pd(_mm256_add_pd(r2, i2), _mm256_set1_pd(4), _CMP_LT_OQ);
                if (_mm256_testz_pd(inside, inside))
                    break;
                count = _mm256_sub_epi64(count, _mm256_castpd_si256(inside));
                zi = _mm256_add_pd(_mm256_mul_pd(_mm256_add_pd(zr, zr), zi), ci);
                zr = _mm256_add_pd(_mm256_sub_pd(r2, i2), cr);
            }
            uint64_t lanes[4];
            _mm256_storeu_si256((__m256i *)lanes, count);
            sum += lanes[0] + lanes[1] + lanes[2] + lanes[3];
        }
    return sum;
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static uint64_t x87(void)
{
    long double s = 0, x = 1;
    for (int i = 1; i < 12000000; i++) {
        x = x * 0.9999999L + 1.0L / i;
        s += x;
    }
    return bits((double)s);
}

const struct workload floating_workloads[] = {
    {"matrix", "floating", "products of 240 by 240 matrices, scalar double", matrix},
    {"nbody", "floating", "five bodies, 800,000 steps", nbody},
    {"fft", "floating", "200 transforms of 16,384 points", fft},
    {"mandelbrot", "floating", "Mandelbrot set, scalar SSE2", mandelbrot},
    {"mandelbrot-avx2", "floating", "Mandelbrot set, four lanes of AVX2", mandelbrot_avx2, has_avx2},
    {"x87", "floating", "a recurrence in long double", x87},
    {0},
};
