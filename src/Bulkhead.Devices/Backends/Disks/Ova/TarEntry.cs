namespace Bulkhead.Devices.Backends.Disks.Ova;

/// <summary>A file in a tar archive.</summary>
internal readonly record struct TarEntry(string Name, long Start, long Length);
