using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>Numbers one behind the other, small ones in a byte: seven bits in each, the lowest first, the eighth says that more follow.</summary>
internal struct NumberList(ReservedArray<byte> bytes, int at)
{
    private readonly ReservedArray<byte> _bytes = bytes;

    /// <summary>Where the next number begins.</summary>
    internal int At { get; private set; } = at;

    /// <summary>Adds a number.</summary>
    internal void Add(int number)
    {
        uint rest = (uint)number;
        while (rest > 0x7F)
        {
            _bytes[At++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        _bytes[At++] = (byte)rest;
    }

    /// <summary>Adds a number that may be below 0.</summary>
    internal void AddSigned(int number) => Add((number << 1) ^ (number >> 31));

    /// <summary>Reads a number that may be below 0.</summary>
    internal int ReadSigned()
    {
        uint number = (uint)Read();
        return (int)(number >> 1) ^ -(int)(number & 1);
    }

    /// <summary>Reads a number.</summary>
    internal int Read()
    {
        uint number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = _bytes[At++];
            number |= (uint)(next & 0x7F) << shift;
            if (next <= 0x7F)
            {
                return (int)number;
            }
        }
    }
}
