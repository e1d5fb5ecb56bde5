using System.Diagnostics;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>A machine without devices: nothing answers, nothing interrupts, time passes.</summary>
internal sealed class GuestIo : ICpuIo, IInterruptController, IClock
{
    public IInterruptController Interrupts => this;

    public IClock Clock => this;

    public bool HasPending => false;

    public byte TaskPriority { get; set; }

    /// <summary>Called whenever the time is asked for.</summary>
    public Action OnClock { get; init; } = static () => { };

    /// <summary>Answers a read of a port, or of what is not RAM; null: nobody does.</summary>
    public Func<byte>? OnRead { get; init; }

    public long NowNs
    {
        get
        {
            OnClock();
            return (long)Stopwatch.GetElapsedTime(0).TotalNanoseconds;
        }
    }

    public ulong GuestTsc => (ulong)NowNs;

    public ulong TscHz => 1_000_000_000;

    public long WhenTsc(ulong guestTsc) => (long)guestTsc;

    public bool TryAcknowledge(out byte vector)
    {
        vector = 0;
        return false;
    }

    public IoResult ReadMmio(Gpa address, Span<byte> data) => Answer(data);

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public IoResult ReadPort(ushort port, Span<byte> data) => Answer(data);

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public bool TryReadMsr(uint index, out ulong value)
    {
        value = 0;
        return false;
    }

    public bool TryWriteMsr(uint index, ulong value) => false;

    private IoResult Answer(Span<byte> data)
    {
        data.Fill(OnRead?.Invoke() ?? 0xFF);
        return OnRead is null ? IoResult.Unclaimed : IoResult.Ok;
    }
}
