namespace Bulkhead.Images.Tests;

/// <summary>One entry of an archive.</summary>
internal sealed record CpioEntry(string Name, uint Mode, byte[] Content);
