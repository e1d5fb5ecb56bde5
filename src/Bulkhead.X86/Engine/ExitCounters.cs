using Iced.Intel;

namespace Bulkhead.X86.Engine;

/// <summary>How often a vCPU left guest mode, per reason.</summary>
/// <remarks><i>Threading</i>: counted by the vCPU's thread, read by any.</remarks>
public sealed class ExitCounters
{
    /// <summary>One more than the largest reason.</summary>
    public const int Size = 192;

    /// <summary>How many of the last exits are remembered.</summary>
    public const int Remembered = 8;

    private const int FirstOfEngine = 128;
    private readonly long[] _counts = new long[Size];
    private readonly long[] _interpreted = new long[(int)Enum.GetValues<Code>()[^1] + 1];
    private readonly byte[] _last = new byte[Remembered];
    private int _next;

    /// <summary>Who is told of each exit below 128; set before the vCPU runs.</summary>
    public IExitObserver? Observer { get; set; }

    /// <summary>The count of one reason.</summary>
    public long this[ExitReason reason] => Volatile.Read(ref _counts[(int)reason]);

    /// <summary>The sum over the reasons a hypervisor would count (below 128).</summary>
    public long Total
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < FirstOfEngine; i++)
            {
                sum += Volatile.Read(ref _counts[i]);
            }

            return sum;
        }
    }

    /// <summary>Counts one interpreted instruction.</summary>
    public void AddInterpreted(Code code) => _interpreted[(int)code]++;

    /// <summary>How often each instruction was interpreted, those that were.</summary>
    public IEnumerable<(Code Code, long Count)> Interpreted()
    {
        for (int i = 0; i < _interpreted.Length; i++)
        {
            if (Volatile.Read(ref _interpreted[i]) is > 0 and long count)
            {
                yield return ((Code)i, count);
            }
        }
    }

    /// <summary>Counts one exit.</summary>
    public void Add(ExitReason reason)
    {
        _counts[(int)reason]++;
        if ((int)reason < FirstOfEngine)
        {
            _last[_next++ & (Remembered - 1)] = (byte)reason;
            Observer?.OnExit(reason);
        }
    }

    /// <summary>The last exits a hypervisor would count, oldest first; while the vCPU does not run.</summary>
    public IReadOnlyList<ExitReason> Last()
    {
        var last = new List<ExitReason>();
        for (int i = (int)Math.Min(Total, Remembered); i > 0; i--)
        {
            last.Add((ExitReason)_last[(_next - i) & (Remembered - 1)]);
        }

        return last;
    }
}
