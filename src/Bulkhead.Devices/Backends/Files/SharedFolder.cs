using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>A folder of the host that a guest has, as long as the domain lives.</summary>
/// <remarks><i>Threading</i>: any. <i>Ownership</i>: the creator disposes it, after the device.</remarks>
public sealed class SharedFolder : IDisposable
{
    /// <summary>The most bytes of a tag, in UTF-8.</summary>
    public const int MostTagBytes = FsConfig.TagBytes;

    private const ulong BytesPerNode = 1 << 10;
    private const ulong LeastNodes = 1 << 14;
    private const ulong MostNodes = 1 << 22;
    private const int MostHandles = 1024;
    private const int LeastHandles = 16;
    private const int PartOfDescriptors = 8;

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="tag">By what the guest mounts it.</param>
    /// <param name="readOnly">Whether the guest may only read it.</param>
    /// <param name="guestBytes">The guest's RAM. A guest that knows a file spends more than 1 KiB of it on that; one that claims to know more files than so
    /// many is none that follows the rules, and is told of no more.</param>
    /// <param name="descriptors">What all guests may have open.</param>
    /// <remarks><i>Errors</i>: <see cref="Host.OperatorException"/> where it is no folder, or may not be read.</remarks>
    public SharedFolder(string path, string tag, bool readOnly, ulong guestBytes, DescriptorBudget descriptors)
    {
        ArgumentNullException.ThrowIfNull(tag);
        (Tree, Tag, ReadOnly, Descriptors) = (FileTree.Open(path), Encoding.UTF8.GetBytes(tag), readOnly, descriptors);
        MostOpen = (int)Math.Clamp(DescriptorLimit.Most / PartOfDescriptors, LeastHandles, MostHandles);
        MostKnown = (int)Math.Clamp(guestBytes / BytesPerNode, LeastNodes, MostNodes);
    }

    /// <summary>What is in it.</summary>
    internal FileTree Tree { get; }

    /// <summary>By what the guest mounts it, in UTF-8.</summary>
    internal byte[] Tag { get; }

    /// <summary>Whether the guest may only read it.</summary>
    internal bool ReadOnly { get; }

    /// <summary>What each file and folder that the guest has open is taken from, as it is a descriptor of this process.</summary>
    internal DescriptorBudget Descriptors { get; }

    /// <summary>The most files and folders the guest has open at a time, as long as there are descriptors.</summary>
    internal int MostOpen { get; }

    /// <summary>The most files and folders the guest is told of.</summary>
    internal int MostKnown { get; }

    /// <inheritdoc/>
    public void Dispose() => Tree.Dispose();
}
