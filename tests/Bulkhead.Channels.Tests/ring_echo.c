/* Reads messages from the first ring of a file, inverts their bytes and writes them to the second, until one is empty. */
#include "bulkhead_ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    uint32_t bytes = (uint32_t)strtoul(argv[2], 0, 10);
    int file = open(argv[1], O_RDWR);
    unsigned char *memory = mmap(0, 2 * (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    struct bulkhead_ring in, out;
    if (argc != 3 || memory == MAP_FAILED || bulkhead_ring_init(&in, memory, bytes) || bulkhead_ring_init(&out, memory + bytes, bytes))
        return 1;

    static unsigned char buffer[1 << 20];
    for (;;) {
        uint32_t urgency;
        int64_t length = bulkhead_ring_read(&in, buffer, sizeof buffer, &urgency);
        if (length == BULKHEAD_RING_EMPTY)
            continue;
        if (length < 0)
            return 2;
        for (int64_t i = 0; i < length; i++)
            buffer[i] ^= 0xFF;
        int written;
        while ((written = bulkhead_ring_write(&out, buffer, (uint32_t)length, urgency + 1)) == BULKHEAD_RING_EMPTY)
            ;
        if (written < 0)
            return 3;
        if (length == 0)
            return 0;
    }
}
