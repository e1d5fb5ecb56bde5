namespace Bulkhead.Images.Disks;

/// <summary>A partition of a disk.</summary>
/// <param name="Number">Its number, from 1: what the guest calls it by.</param>
/// <param name="Name">Its label.</param>
/// <param name="Type">What it is for.</param>
/// <param name="FirstBytes">Where it starts.</param>
/// <param name="SizeBytes">How long it is.</param>
internal sealed record Partition(int Number, string Name, Guid Type, long FirstBytes, long SizeBytes);
