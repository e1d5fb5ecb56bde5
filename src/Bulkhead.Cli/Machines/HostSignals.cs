using System.Runtime.InteropServices;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>SIGINT, SIGTERM and SIGHUP end what runs in good order; a second one ends the process at once.</summary>
/// <remarks><i>Threading</i>: the action runs on a thread of the runtime.</remarks>
internal sealed class HostSignals : IDisposable
{
    private readonly Action<int, string> _stop;
    private readonly PosixSignalRegistration[] _registrations;
    private int _seen;

    /// <summary>Listens until disposed; <paramref name="stop"/> gets the exit code and words for it.</summary>
    internal HostSignals(Action<int, string> stop)
    {
        _stop = stop;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Take(context, ExitCodes.Interrupted, "interrupted")),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Take(context, ExitCodes.Terminated, "terminated")),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Take(context, ExitCodes.HungUp, "hung up")),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Take(PosixSignalContext context, int exitCode, string words)
    {
        if (Interlocked.Exchange(ref _seen, 1) == 0)
        {
            context.Cancel = true;
            _stop(exitCode, words);
        }
    }
}
