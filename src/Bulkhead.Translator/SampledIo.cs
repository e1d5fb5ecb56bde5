using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator;

/// <summary>What a vCPU reaches outside itself, with its activity noted while a device answers.</summary>
internal sealed unsafe class SampledIo(ICpuIo inner, VcpuState* state) : ICpuIo
{
    public IInterruptController Interrupts => inner.Interrupts;

    public IClock Clock => inner.Clock;

    public IoResult ReadMmio(Gpa address, Span<byte> data)
    {
        byte before = Enter();
        IoResult result = inner.ReadMmio(address, data);
        state->Activity = before;
        return result;
    }

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data)
    {
        byte before = Enter();
        IoResult result = inner.WriteMmio(address, data);
        state->Activity = before;
        return result;
    }

    public IoResult ReadPort(ushort port, Span<byte> data)
    {
        byte before = Enter();
        IoResult result = inner.ReadPort(port, data);
        state->Activity = before;
        return result;
    }

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data)
    {
        byte before = Enter();
        IoResult result = inner.WritePort(port, data);
        state->Activity = before;
        return result;
    }

    public bool TryReadMsr(uint index, out ulong value)
    {
        byte before = Enter();
        bool result = inner.TryReadMsr(index, out value);
        state->Activity = before;
        return result;
    }

    public bool TryWriteMsr(uint index, ulong value)
    {
        byte before = Enter();
        bool result = inner.TryWriteMsr(index, value);
        state->Activity = before;
        return result;
    }

    public void RaiseX87Error()
    {
        byte before = Enter();
        inner.RaiseX87Error();
        state->Activity = before;
    }

    private byte Enter()
    {
        byte before = state->Activity;
        state->Activity = (byte)VcpuActivity.Devices;
        return before;
    }
}
