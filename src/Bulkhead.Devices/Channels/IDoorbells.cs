namespace Bulkhead.Devices.Channels;

/// <summary>Hears the doorbells that reach a domain.</summary>
/// <remarks><i>Threading</i>: any thread, that of another domain's vCPU mostly; never blocks.</remarks>
public interface IDoorbells
{
    /// <summary>One rang, and interrupted the domain.</summary>
    void OnRung(int doorbell);
}
