using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator;

/// <summary>Stands for the outside while a vCPU does not run.</summary>
internal sealed class NoIo : ICpuIo
{
    internal static NoIo Instance { get; } = new();

    public IInterruptController Interrupts => throw new InvalidOperationException("The vCPU does not run.");

    public IClock Clock => throw new InvalidOperationException("The vCPU does not run.");

    public IoResult ReadMmio(Gpa address, Span<byte> data) => IoResult.Unclaimed;

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public IoResult ReadPort(ushort port, Span<byte> data) => IoResult.Unclaimed;

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public bool TryReadMsr(uint index, out ulong value)
    {
        value = 0;
        return false;
    }

    public bool TryWriteMsr(uint index, ulong value) => false;
}
