using System.Text;

namespace Bulkhead.Cli.Machines;

/// <summary>Cuts a guest's output into lines and prefixes each with the domain's name.</summary>
/// <remarks><i>Threading</i>: one vCPU's thread at a time (the serial port's lock).</remarks>
internal sealed class GuestLines(string name, Action<string> say)
{
    private const int Longest = 4096;
    private readonly List<byte> _line = [];
    private volatile bool _hasSpoken;

    /// <summary>Whether a line came; from any thread.</summary>
    internal bool HasSpoken => _hasSpoken;

    internal void Write(ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            if (b == '\n' || _line.Count == Longest)
            {
                _hasSpoken = true;
                say($"{name}| {Encoding.UTF8.GetString([.. _line])}");
                _line.Clear();
            }
            else if (b is not ((byte)'\r' or 0))
            {
                _line.Add(b);
            }
        }
    }
}
