namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>A piece of a VMDK disk, as its descriptor says.</summary>
internal sealed record class VmdkExtent(string Access, string Kind, long SizeBytes, string File, long StartBytes);
