using Bulkhead.Core.Interrupts;

namespace Bulkhead.Devices.Tests.Chipset;

internal sealed class FakeSignals : IVcpuSignals
{
    public int Kicks;

    public int Nmis { get; private set; }

    public int Inits { get; private set; }

    public List<byte> StartUps { get; } = [];

    public void Kick() => Interlocked.Increment(ref Kicks);

    public void Nmi() => Nmis++;

    public void Init() => Inits++;

    public void StartUp(byte vector) => StartUps.Add(vector);
}
