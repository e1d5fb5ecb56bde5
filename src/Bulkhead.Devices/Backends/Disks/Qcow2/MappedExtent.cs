namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>A range of the disk whose clusters are of one kind and follow one another.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="Entry">The first cluster's entry.</param>
/// <param name="HostOffset">Where the range begins in the file, where it is data.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct MappedExtent(ExtentKind Kind, MapEntry Entry, long HostOffset, int Length);
