namespace Bulkhead.Host.Terminal;

/// <summary>Picks the escape sequences out of what is typed; every other byte passes, whatever its encoding.</summary>
/// <remarks>
/// <code>
/// Ctrl-A x        End
/// Ctrl-A h, ?     Help
/// Ctrl-A Ctrl-A   one Ctrl-A
/// Ctrl-A other    both bytes
/// </code>
/// <para><i>Threading</i>: one thread, which holds the only copy.</para>
/// </remarks>
public struct EscapeFilter
{
    /// <summary>The keys, as help for the operator; lines end with CR LF, as a raw terminal needs.</summary>
    public const string HelpText =
        "\r\nCtrl-A x       end the guest\r\nCtrl-A h       this help\r\nCtrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

    private const byte ControlA = 1;

    private bool _prefixed;

    /// <summary>Filters bytes up to the first command.</summary>
    /// <param name="input">What was read.</param>
    /// <param name="output">Room for at least one byte more than <paramref name="input"/> holds.</param>
    /// <param name="consumed">How much of <paramref name="input"/> was used; the rest is for the next call.</param>
    /// <param name="command">The command the call ended with, if any.</param>
    /// <returns>How many bytes of <paramref name="output"/> are for the guest; they come before the command.</returns>
    public int Filter(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out EscapeCommand command)
    {
        int written = 0;
        command = EscapeCommand.None;
        for (consumed = 0; consumed < input.Length && command == EscapeCommand.None; consumed++)
        {
            byte b = input[consumed];
            if (!_prefixed)
            {
                if (b == ControlA)
                {
                    _prefixed = true;
                }
                else
                {
                    output[written++] = b;
                }

                continue;
            }

            _prefixed = false;
            switch (b)
            {
                case (byte)'x' or (byte)'X':
                    command = EscapeCommand.End;
                    break;
                case (byte)'h' or (byte)'H' or (byte)'?':
                    command = EscapeCommand.Help;
                    break;
                case ControlA:
                    output[written++] = ControlA;
                    break;
                default:
                    output[written++] = ControlA;
                    output[written++] = b;
                    break;
            }
        }

        return written;
    }
}
