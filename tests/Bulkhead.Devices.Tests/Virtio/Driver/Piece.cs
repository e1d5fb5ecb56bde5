using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A piece of a buffer.</summary>
internal readonly record struct Piece(Gpa Address, uint Length, bool Writable);
