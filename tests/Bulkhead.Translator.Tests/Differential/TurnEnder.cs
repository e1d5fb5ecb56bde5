using Bulkhead.X86.Engine;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Ends the turns of vCPUs again and again, from another thread, until disposed; then none of it is under way any more.</summary>
internal sealed class TurnEnder : IDisposable
{
    private readonly Timer _timer;

    internal TurnEnder(int milliseconds, params IVcpu[] vcpus) =>
        _timer = new Timer(_ => Array.ForEach(vcpus, static v => v.EndTurn()), null, milliseconds, milliseconds);

    public void Dispose()
    {
        using var quiet = new ManualResetEvent(false);
        if (_timer.Dispose(quiet))
        {
            _ = quiet.WaitOne();
        }
    }
}
