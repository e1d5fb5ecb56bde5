using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator.Tests.Interpret;

/// <summary>Ports and MMIO that answer with a running count and log every access.</summary>
internal sealed class FootprintIo : ICpuIo
{
    private byte _next = 1;

    public List<(string Kind, ulong Address, int Size, ulong Value)> Log { get; } = [];

    public IInterruptController Interrupts => throw new NotSupportedException();

    public IClock Clock => throw new NotSupportedException();

    public IoResult ReadMmio(Gpa address, Span<byte> data) => Read("read", address.Value, data);

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => Write("write", address.Value, data);

    public IoResult ReadPort(ushort port, Span<byte> data) => Read("in", port, data);

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => Write("out", port, data);

    public bool TryReadMsr(uint index, out ulong value)
    {
        value = 0;
        return false;
    }

    public bool TryWriteMsr(uint index, ulong value) => false;

    private IoResult Read(string kind, ulong address, Span<byte> data)
    {
        data.Fill(_next++);
        Log.Add((kind, address, data.Length, data[0]));
        return IoResult.Ok;
    }

    private IoResult Write(string kind, ulong address, ReadOnlySpan<byte> data)
    {
        Log.Add((kind, address, data.Length, data[0]));
        return IoResult.Ok;
    }
}
