using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>The names a guest may give: of one step down, and no other way.</summary>
internal static class FuseName
{
    /// <summary>Whether it leads to what stands in a folder, and nowhere else.</summary>
    internal static bool IsValid(scoped ReadOnlySpan<byte> name) =>
        !name.IsEmpty && name.Length <= FileTree.MostNameBytes && !name.ContainsAny((byte)'/', (byte)0) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);
}
