using System.Runtime.InteropServices;

namespace Bulkhead.Host.Terminal;

/// <summary>The operator's terminal while every key goes to the guest, or while none is shown; put back as it was at every end that can be seen.</summary>
/// <remarks>
/// Output processing stays on, so that lines of our own begin at the left; a guest's CR LF looks the same either way.
/// Signals keep their effect: the terminal is put back, and what else handles them comes after.
/// <para><i>Threading</i>: the creator disposes it; signals arrive on a thread of the runtime.</para>
/// </remarks>
public sealed unsafe class RawTerminal : IDisposable
{
    private readonly int _fd;
    private readonly TerminalNative.Attributes _before;
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly bool _isRaw;
    private readonly Lock _lock = new();
    private bool _ended;

    private RawTerminal(int fd, TerminalNative.Attributes before, bool isRaw)
    {
        _fd = fd;
        _before = before;
        _isRaw = isRaw;
    }

    /// <summary>Makes the terminal behind a descriptor raw; null where it is no terminal, or another job has it.</summary>
    public static RawTerminal? TryEnter(int fd) => TryEnter(fd, isRaw: true);

    /// <summary>Has the terminal behind a descriptor not show what is typed; null as above.</summary>
    public static RawTerminal? TrySilence(int fd) => TryEnter(fd, isRaw: false);

    private static RawTerminal? TryEnter(int fd, bool isRaw)
    {
        // SAFETY: Attributes has the size of struct termios; checked by TerminalNativeTests.
        TerminalNative.Attributes before;
        if (TerminalNative.IsTerminal(fd) == 0
            || TerminalNative.ForegroundGroup(fd) != TerminalNative.OwnGroup()
            || TerminalNative.GetAttributes(fd, &before) != 0)
        {
            return null;
        }

        var terminal = new RawTerminal(fd, before, isRaw);
        terminal.Register();
        terminal.Change();
        return terminal;
    }

    /// <summary>Puts the terminal back.</summary>
    public void Dispose()
    {
        Restore(forGood: true);
        AppDomain.CurrentDomain.ProcessExit -= OnProcessEnd;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandled;
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }
    }

    private void Register()
    {
        AppDomain.CurrentDomain.ProcessExit += OnProcessEnd;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandled;
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, _ => Restore(forGood: false)));
        }

        // A shell sets the terminal to its own liking while we are stopped.
        if (OperatingSystem.IsLinux())
        {
            _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => Change()));
        }
    }

    private void OnProcessEnd(object? sender, EventArgs e) => Restore(forGood: true);

    private void OnUnhandled(object? sender, UnhandledExceptionEventArgs e) => Restore(forGood: true);

    private void Change()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            TerminalNative.Attributes changed = _before;
            if (_isRaw)
            {
                TerminalNative.MakeRaw(&changed);
                changed.OutputFlags = _before.OutputFlags;
            }

            changed.LocalFlags &= ~TerminalNative.Echo;
            _ = TerminalNative.SetAttributes(_fd, TerminalNative.SetAttributesNow, &changed);
        }
    }

    private void Restore(bool forGood)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _ended = forGood;
            TerminalNative.Attributes before = _before;

            // What was typed unseen was meant for nobody, least of all for the shell.
            _ = TerminalNative.SetAttributes(_fd, _isRaw ? TerminalNative.SetAttributesNow : TerminalNative.SetAttributesAndForget, &before);
        }
    }
}
