using System.Net.Sockets;
using System.Text;

namespace Bulkhead.Cli.Control;

/// <summary>Lines on a socket that carries other bytes behind them.</summary>
internal static class ControlLine
{
    private const int Longest = 1 << 20;

    /// <summary>Reads up to the end of a line and nothing beyond it; null where the other side went away.</summary>
    /// <remarks><i>Errors</i>: <see cref="SocketException"/>, also where the line takes longer than <paramref name="mostMs"/>.</remarks>
    internal static string? Read(Socket socket, int mostMs = Timeout.Infinite)
    {
        long start = Environment.TickCount64;
        var line = new List<byte>();
        byte[] next = new byte[4096];
        while (line.Count < Longest)
        {
            if (mostMs != Timeout.Infinite)
            {
                socket.ReceiveTimeout = (int)Math.Max(mostMs - (Environment.TickCount64 - start), 1);
            }

            // Peek, so that what follows the line stays there.
            int count = socket.Receive(next, SocketFlags.Peek);
            if (count == 0)
            {
                return null;
            }

            int end = next.AsSpan(0, count).IndexOf((byte)'\n');
            int take = end < 0 ? count : end + 1;
            int taken = socket.Receive(next.AsSpan(0, take));
            line.AddRange(next.AsSpan(0, taken));
            if (end >= 0 && taken == take)
            {
                socket.ReceiveTimeout = 0;
                return Encoding.UTF8.GetString([.. line]);
            }
        }

        return null;
    }

    /// <summary>Writes a line.</summary>
    internal static void Write(Socket socket, string text)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text + "\n");
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }
}
