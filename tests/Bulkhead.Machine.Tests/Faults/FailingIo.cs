using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>Devices of which one has a bug: an access throws.</summary>
internal sealed class FailingIo(ICpuIo inner, int failing) : ICpuIo
{
    internal const string Words = "the device of this test has a bug";

    private int _left = failing;

    public IInterruptController Interrupts => inner.Interrupts;

    public IClock Clock => inner.Clock;

    public IoResult ReadMmio(Gpa address, Span<byte> data)
    {
        Count();
        return inner.ReadMmio(address, data);
    }

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data)
    {
        Count();
        return inner.WriteMmio(address, data);
    }

    public IoResult ReadPort(ushort port, Span<byte> data)
    {
        Count();
        return inner.ReadPort(port, data);
    }

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data)
    {
        Count();
        return inner.WritePort(port, data);
    }

    public bool TryReadMsr(uint index, out ulong value)
    {
        Count();
        return inner.TryReadMsr(index, out value);
    }

    public bool TryWriteMsr(uint index, ulong value)
    {
        Count();
        return inner.TryWriteMsr(index, value);
    }

    public void RaiseX87Error()
    {
        Count();
        inner.RaiseX87Error();
    }

    private void Count()
    {
        if (--_left <= 0)
        {
            throw new InvalidOperationException(Words);
        }
    }
}
