namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Nothing more comes of the host.</summary>
internal sealed class PowerLostException : Exception;
