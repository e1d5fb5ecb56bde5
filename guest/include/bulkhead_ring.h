/*
 * Messages over memory that two domains share: one ring in each direction, one writer and one reader each.
 *
 * A ring, little-endian, at a multiple of 64 bytes; N is a power of two:
 *
 *   0    u32  position of the writer: so many bytes were ever written, modulo 2^32
 *   64   u32  position of the reader
 *   128  u32  1 while the reader sleeps and wants a doorbell
 *   192  N bytes of data
 *
 * A message stands at a multiple of 8: u32 length, u32 urgency, then its bytes; at the end of the data it goes on at the beginning.
 *
 * The other side is not trusted: it may write anything at any time. Each side keeps its own position to itself and never reads it
 * back; what it reads of the other's is copied once and checked before it is used. A ring that makes no sense is refused for good
 * (BULKHEAD_RING_BROKEN); nothing outside the ring and the caller's buffer is ever touched.
 *
 * The header needs a C11 compiler and nothing else.
 */
#ifndef BULKHEAD_RING_H
#define BULKHEAD_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define BULKHEAD_RING_HEADER 192u
#define BULKHEAD_RING_MESSAGE 8u

enum {
    BULKHEAD_RING_EMPTY = -1,  /* nothing to read, or no room to write */
    BULKHEAD_RING_SMALL = -2,  /* the message is larger than the buffer, or than any the ring can hold; it stays where it is */
    BULKHEAD_RING_BROKEN = -3, /* the other side broke the rules */
};

struct bulkhead_ring {
    volatile unsigned char *memory;
    uint32_t size;     /* N */
    uint32_t position; /* one's own */
    int broken;
};

static inline _Atomic uint32_t *bulkhead_ring_word(const struct bulkhead_ring *r, uint32_t at)
{
    return (_Atomic uint32_t *)(uintptr_t)(r->memory + at);
}

/* Begins with a ring of bytes bytes of zeroed memory, as its writer or its reader; 0, or BULKHEAD_RING_BROKEN where that is no ring. */
static inline int bulkhead_ring_init(struct bulkhead_ring *r, volatile void *memory, uint32_t bytes)
{
    uint32_t size = bytes - BULKHEAD_RING_HEADER;
    r->memory = (volatile unsigned char *)memory;
    r->position = 0;
    r->broken = bytes <= BULKHEAD_RING_HEADER;
    r->size = 8;
    if (!r->broken)
        while (r->size <= size / 2)
            r->size *= 2;
    r->broken |= r->size > size;
    return r->broken ? BULKHEAD_RING_BROKEN : 0;
}

static inline void bulkhead_ring_copy_in(struct bulkhead_ring *r, uint32_t at, const unsigned char *from, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        r->memory[BULKHEAD_RING_HEADER + ((at + i) & (r->size - 1))] = from[i];
}

static inline void bulkhead_ring_copy_out(struct bulkhead_ring *r, uint32_t at, unsigned char *to, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        to[i] = r->memory[BULKHEAD_RING_HEADER + ((at + i) & (r->size - 1))];
}

/* Writes a message. The answer is 1 where the reader sleeps and wants a doorbell, 0 where it does not, or negative. */
static inline int bulkhead_ring_write(struct bulkhead_ring *r, const void *message, uint32_t length, uint32_t urgency)
{
    uint32_t head[2] = { length, urgency };
    uint32_t used = r->position - atomic_load_explicit(bulkhead_ring_word(r, 64), memory_order_acquire);
    if (r->broken || used > r->size || used % 8 != 0) {
        r->broken = 1;
        return BULKHEAD_RING_BROKEN;
    }
    if (length > r->size - BULKHEAD_RING_MESSAGE)
        return BULKHEAD_RING_SMALL;
    uint32_t needed = (BULKHEAD_RING_MESSAGE + length + 7) & ~7u;
    if (needed > r->size - used)
        return BULKHEAD_RING_EMPTY;
    bulkhead_ring_copy_in(r, r->position, (const unsigned char *)head, sizeof head);
    bulkhead_ring_copy_in(r, r->position + BULKHEAD_RING_MESSAGE, (const unsigned char *)message, length);
    r->position += needed;
    atomic_store_explicit(bulkhead_ring_word(r, 0), r->position, memory_order_seq_cst);
    return atomic_exchange_explicit(bulkhead_ring_word(r, 128), 0, memory_order_seq_cst) != 0;
}

/* Reads a message into a buffer: its length, or negative. */
static inline int64_t bulkhead_ring_read(struct bulkhead_ring *r, void *buffer, uint32_t room, uint32_t *urgency)
{
    uint32_t head[2];
    uint32_t used = atomic_load_explicit(bulkhead_ring_word(r, 0), memory_order_acquire) - r->position;
    if (r->broken || used > r->size || used % 8 != 0) {
        r->broken = 1;
        return BULKHEAD_RING_BROKEN;
    }
    if (used == 0)
        return BULKHEAD_RING_EMPTY;
    bulkhead_ring_copy_out(r, r->position, (unsigned char *)head, sizeof head);
    if (head[0] > used - BULKHEAD_RING_MESSAGE) {
        r->broken = 1;
        return BULKHEAD_RING_BROKEN;
    }
    if (head[0] > room)
        return BULKHEAD_RING_SMALL;
    bulkhead_ring_copy_out(r, r->position + BULKHEAD_RING_MESSAGE, (unsigned char *)buffer, head[0]);
    if (urgency)
        *urgency = head[1];
    r->position += (BULKHEAD_RING_MESSAGE + head[0] + 7) & ~7u;
    atomic_store_explicit(bulkhead_ring_word(r, 64), r->position, memory_order_release);
    return head[0];
}

/* Says that the reader is about to sleep until a doorbell. 0: it must not, as there is something to read (or the ring is broken). */
static inline int bulkhead_ring_sleep(struct bulkhead_ring *r)
{
    atomic_store_explicit(bulkhead_ring_word(r, 128), 1, memory_order_seq_cst);
    if (!r->broken && atomic_load_explicit(bulkhead_ring_word(r, 0), memory_order_seq_cst) == r->position)
        return 1;
    atomic_store_explicit(bulkhead_ring_word(r, 128), 0, memory_order_relaxed);
    return 0;
}

#endif
