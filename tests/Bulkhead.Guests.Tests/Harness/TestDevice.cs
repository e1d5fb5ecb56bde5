using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>A page of MMIO whose accesses the test sees, in front of everything else a vCPU reaches.</summary>
internal sealed class TestDevice
{
    private readonly Lock _lock = new();
    private readonly List<(ulong Offset, int Size, bool Write, ulong Value)> _accesses = [];

    /// <summary>Answers reads; offset in, value out.</summary>
    public Func<ulong, ulong> OnRead { get; set; } = static offset => offset;

    /// <summary>Sees writes.</summary>
    public Action<ulong, ulong> OnWrite { get; set; } = static (_, _) => { };

    /// <summary>Every access so far.</summary>
    public IReadOnlyList<(ulong Offset, int Size, bool Write, ulong Value)> Accesses
    {
        get
        {
            lock (_lock)
            {
                return [.. _accesses];
            }
        }
    }

    /// <summary>Puts the device in front of a vCPU's I/O.</summary>
    public ICpuIo Before(ICpuIo io) => new Io(this, io);

    private ulong Read(ulong offset, int size)
    {
        ulong value = OnRead(offset);
        lock (_lock)
        {
            _accesses.Add((offset, size, false, value));
        }

        return value;
    }

    private void Write(ulong offset, int size, ulong value)
    {
        lock (_lock)
        {
            _accesses.Add((offset, size, true, value));
        }

        OnWrite(offset, value);
    }

    private sealed class Io(TestDevice device, ICpuIo inner) : ICpuIo
    {
        public IInterruptController Interrupts => inner.Interrupts;

        public IClock Clock => inner.Clock;

        public IoResult ReadMmio(Gpa address, Span<byte> data)
        {
            ulong offset = address.Value - Layout.Device;
            if (offset >= 0x1000)
            {
                return inner.ReadMmio(address, data);
            }

            BitConverter.GetBytes(device.Read(offset, data.Length)).AsSpan(0, data.Length).CopyTo(data);
            return IoResult.Ok;
        }

        public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data)
        {
            ulong offset = address.Value - Layout.Device;
            if (offset >= 0x1000)
            {
                return inner.WriteMmio(address, data);
            }

            Span<byte> value = stackalloc byte[8];
            data.CopyTo(value);
            device.Write(offset, data.Length, BitConverter.ToUInt64(value));
            return IoResult.Ok;
        }

        public IoResult ReadPort(ushort port, Span<byte> data) => inner.ReadPort(port, data);

        public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => inner.WritePort(port, data);

        public bool TryReadMsr(uint index, out ulong value) => inner.TryReadMsr(index, out value);

        public bool TryWriteMsr(uint index, ulong value) => inner.TryWriteMsr(index, value);

        public void RaiseX87Error() => inner.RaiseX87Error();
    }
}
