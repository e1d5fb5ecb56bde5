namespace Bulkhead.Host.Terminal;

/// <summary>The size of the operator's window, in characters.</summary>
public readonly record struct TerminalSize(int Rows, int Columns)
{
    /// <summary>Asks the terminal behind a descriptor; false where it is none, or knows no size.</summary>
    public static unsafe bool TryRead(int fd, out TerminalSize size)
    {
        TerminalNative.WindowSize window;

        // SAFETY: the kernel writes a struct winsize, and that is what we hand it; checked by TerminalNativeTests.
        bool known = TerminalNative.Ioctl(fd, TerminalNative.GetWindowSize, &window) == 0 && window.Rows > 0 && window.Columns > 0;
        size = known ? new TerminalSize(window.Rows, window.Columns) : default;
        return known;
    }
}
