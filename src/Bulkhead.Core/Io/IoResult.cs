namespace Bulkhead.Core.Io;

/// <summary>How a device answered an access.</summary>
public enum IoResult
{
    /// <summary>Done; for a read the bytes are filled.</summary>
    Ok,

    /// <summary>The guest asked for something the device does not have; reads give all ones, writes vanish.</summary>
    GuestError,

    /// <summary>Nobody lives at this address; reads give all ones, writes vanish.</summary>
    Unclaimed,
}
