using System.Buffers.Binary;
using Bulkhead.Abi.Fuse;
using Bulkhead.Core.State;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>Serves a folder of the host to a guest: bytes of a request in, bytes of an answer out.</summary>
/// <remarks>
/// <para>A guest cannot get out of the folder: names lead one step down, and the kernel walks paths within it (<see cref="FileTree"/>). Nothing but
/// regular files and folders is opened, whatever stands there. No file becomes one that runs with its owner's rights, no device is made.</para>
/// <para>What belongs to the user Bulkhead runs as belongs to root in the guest; everything else to <see cref="Nobody"/>. Nothing changes its owner.</para>
/// <para><i>Threading</i>: any; one request at a time, under its lock. <i>Errors</i>: the guest's mistakes are error numbers in answers.
/// <i>Cost</i>: nothing is allocated to read, write or look at what the guest knows.</para>
/// <para><i>Source</i>: Linux, include/uapi/linux/fuse.h, and fs/fuse for what a driver does with it.</para>
/// </remarks>
internal sealed partial class FuseServer
{
    /// <summary>The most bytes of a read or a write.</summary>
    internal const int MostDataBytes = MostPages * PageBytes;

    /// <summary>The most bytes of a request: a write's.</summary>
    internal const int MostRequestBytes = MostDataBytes + PageBytes;

    /// <summary>The most bytes of an answer: a read's.</summary>
    internal const int MostAnswerBytes = MostDataBytes + FuseHeader.AnswerBytes;

    /// <summary>Who owns in the guest what is not the operator's.</summary>
    internal const uint Nobody = 65534;

    private const int PageBytes = 4096;
    private const int MostPages = 256;
    private const ulong ValidSeconds = 1; // so long the guest need not ask again
    private const ushort MostBackground = 64;

    private const FuseFeatures Features = FuseFeatures.AsynchronousRead | FuseFeatures.OpenTruncates | FuseFeatures.BigWrites | FuseFeatures.InvalidateData
        | FuseFeatures.ReadFolderPlus | FuseFeatures.ReadFolderPlusSeldom | FuseFeatures.AsynchronousDirect | FuseFeatures.ParallelFolders | FuseFeatures.MaximumPages | FuseFeatures.DropsSetIds;

    private readonly FileTree _tree;
    private readonly bool _readOnly;
    private readonly uint _user;
    private readonly uint _group;
    private readonly ShareNodes _nodes;
    private readonly ShareHandles _handles;
    private readonly Lock _lock = new();
    private readonly byte[] _scratch = new byte[64 << 10];
    private bool _begun;

    /// <summary>A server of a folder, which the caller keeps longer.</summary>
    internal FuseServer(SharedFolder folder)
    {
        (_tree, _readOnly) = (folder.Tree, folder.ReadOnly);
        (_user, _group) = (UserIds.User, UserIds.Group);
        _handles = new ShareHandles(folder.MostOpen, folder.Descriptors);
        _ = _tree.Reach([], out TreePlace root);
        using (root)
        {
            _ = root.Stat(out FileFacts facts);
            _nodes = new ShareNodes(FileIdentity.Of(facts), folder.MostKnown);
        }
    }

    /// <summary>How many files and folders the guest knows.</summary>
    internal int KnownCount => _nodes.Count;

    /// <summary>How many names of them.</summary>
    internal int PlaceCount => _nodes.PlaceCount;

    /// <summary>How many it has open.</summary>
    internal int OpenCount => _handles.Count;

    /// <summary>Does what a request asks for.</summary>
    /// <param name="request">Its bytes, which nobody changes meanwhile.</param>
    /// <param name="answer">Where the answer goes.</param>
    /// <returns>How many bytes it has, 0 for none; less than 0 where this is no request, or there is no room for an answer.</returns>
    internal int Serve(ReadOnlySpan<byte> request, Span<byte> answer)
    {
        if (request.Length < FuseHeader.RequestBytes)
        {
            return -1;
        }

        var reader = new FuseReader(request[FuseHeader.RequestBytes..]);
        var opcode = (FuseOpcode)BinaryPrimitives.ReadUInt32LittleEndian(request[4..]);
        ulong node = BinaryPrimitives.ReadUInt64LittleEndian(request[16..]);
        lock (_lock)
        {
            if (opcode is FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.Interrupt)
            {
                Forget(opcode, node, ref reader);
                return 0;
            }

            if (answer.Length < FuseHeader.AnswerBytes)
            {
                return -1;
            }

            var writer = new FuseWriter(answer[FuseHeader.AnswerBytes..]);
            int error = BinaryPrimitives.ReadUInt32LittleEndian(request) != request.Length ? Errno.Invalid
                : opcode == FuseOpcode.Initialize ? Initialize(ref reader, ref writer)
                : !_begun ? Errno.InputOutput
                : opcode == FuseOpcode.Destroy ? Destroy()
                : _nodes.Find(node) is not { } known ? Errno.Stale
                : Do(opcode, known, ref reader, ref writer);
            error = error == Errno.None && writer.Failed ? Errno.Invalid : error;
            int length = FuseHeader.AnswerBytes + (error == Errno.None ? writer.Count : 0);
            BinaryPrimitives.WriteInt32LittleEndian(answer, length);
            BinaryPrimitives.WriteInt32LittleEndian(answer[4..], -error);
            request.Slice(8, sizeof(ulong)).CopyTo(answer[8..]);
            return length;
        }
    }

    /// <summary>The driver is gone: everything is closed and forgotten.</summary>
    internal void Reset()
    {
        lock (_lock)
        {
            _ = Destroy();
        }
    }

    private int Do(FuseOpcode opcode, ShareNode node, ref FuseReader reader, ref FuseWriter writer) => opcode switch
    {
        FuseOpcode.Lookup => Lookup(node, ref reader, ref writer),
        FuseOpcode.GetAttributes => GetAttributes(node, ref writer),
        FuseOpcode.SetAttributes => SetAttributes(node, ref reader, ref writer),
        FuseOpcode.ReadLink => ReadLink(node, ref writer),
        FuseOpcode.MakeSymbolicLink => MakeSymbolicLink(node, ref reader, ref writer),
        FuseOpcode.MakeNode => MakeNode(node, ref reader, ref writer),
        FuseOpcode.MakeFolder => MakeFolder(node, ref reader, ref writer),
        FuseOpcode.Unlink => Unlink(node, ref reader, folder: false),
        FuseOpcode.RemoveFolder => Unlink(node, ref reader, folder: true),
        FuseOpcode.Rename => Rename(node, ref reader, withFlags: false),
        FuseOpcode.Rename2 => Rename(node, ref reader, withFlags: true),
        FuseOpcode.Link => Link(node, ref reader, ref writer),
        FuseOpcode.Open => Open(node, ref reader, ref writer),
        FuseOpcode.Create => Create(node, ref reader, ref writer),
        FuseOpcode.Read => Read(ref reader, ref writer),
        FuseOpcode.Write => Write(ref reader, ref writer),
        FuseOpcode.Statistics => Statistics(ref writer),
        FuseOpcode.Release => Release(ref reader, folder: false),
        FuseOpcode.Sync => Sync(ref reader, folder: false),
        FuseOpcode.Flush => Errno.None, // what was written is the host's already
        FuseOpcode.OpenFolder => OpenFolder(node, ref writer),
        FuseOpcode.ReadFolder => ReadFolder(ref reader, ref writer, plus: false),
        FuseOpcode.ReadFolderPlus => ReadFolder(ref reader, ref writer, plus: true),
        FuseOpcode.ReleaseFolder => Release(ref reader, folder: true),
        FuseOpcode.SyncFolder => Sync(ref reader, folder: true),
        FuseOpcode.Access => Access(node, ref reader),
        FuseOpcode.Allocate => Allocate(ref reader),
        FuseOpcode.Seek => Seek(ref reader, ref writer),
        FuseOpcode.CopyRange => CopyRange(ref reader, ref writer),
        FuseOpcode.SyncAll => _readOnly ? Errno.None : _tree.SyncVolume(),
        FuseOpcode.SetExtended => SetExtended(node, ref reader),
        FuseOpcode.GetExtended => GetExtended(node, ref reader, ref writer),
        FuseOpcode.ListExtended => ListExtended(node, ref reader, ref writer),
        FuseOpcode.RemoveExtended => RemoveExtended(node, ref reader),
        _ => Errno.NoSuchCall,
    };

    // Asked: major u32, minor u32, read-ahead u32, features u32. Answered: these, then requests in the background u16, congestion u16, bytes of a write
    // u32, grain of times u32 in ns, pages u16, alignment u16, 32 bytes that are zero.
    private int Initialize(ref FuseReader reader, ref FuseWriter writer)
    {
        const int unusedBytes = 32;
        (uint major, uint minor, uint readAhead, var features) = (reader.UInt32(), reader.UInt32(), reader.UInt32(), (FuseFeatures)reader.UInt32());
        if (reader.Failed || major < FuseHeader.Major || (major == FuseHeader.Major && minor < FuseHeader.Minor))
        {
            return reader.Failed ? Errno.Invalid : Errno.Protocol;
        }

        _ = Destroy();
        _begun = major == FuseHeader.Major; // a newer driver asks again
        writer.Write(FuseHeader.Major);
        writer.Write(FuseHeader.Minor);
        writer.Write(readAhead);
        writer.Write((uint)(features & Features));
        writer.Write(MostBackground);
        writer.Write((ushort)(MostBackground * 3 / 4));
        writer.Write((uint)MostDataBytes);
        writer.Write(1u);
        writer.Write((ushort)MostPages);
        writer.Write((ushort)0);
        writer.WriteZeros(unusedBytes);
        return Errno.None;
    }

    private int Destroy()
    {
        _handles.Clear();
        _nodes.Clear();
        _begun = false;
        return Errno.None;
    }

    // One: lookups u64. Several: count u32, reserved u32, then each: node u64, lookups u64.
    private void Forget(FuseOpcode opcode, ulong node, ref FuseReader reader)
    {
        if (opcode == FuseOpcode.Forget)
        {
            Forget(node, reader.UInt64());
        }
        else if (opcode == FuseOpcode.BatchForget)
        {
            uint count = reader.UInt32();
            reader.Skip(sizeof(uint));
            for (; count > 0 && !reader.Failed; count--)
            {
                Forget(reader.UInt64(), reader.UInt64());
            }
        }
    }

    private void Forget(ulong node, ulong lookups)
    {
        if (_nodes.Find(node) is { } known)
        {
            _nodes.Forget(known, lookups);
        }
    }

    /// <summary>Finds what a node stands for: by its places, or where it has none any more by a handle. The caller disposes the place.</summary>
    private int Reach(ShareNode node, out TreePlace place, out FileFacts facts)
    {
        if (node == _nodes.Root)
        {
            return Check(_tree.Reach([], out place), node, ref place, out facts);
        }

        Span<byte> buffer = stackalloc byte[FileTree.MostPathBytes];
        int error = Errno.Stale;
        foreach (SharePlace at in node.Places)
        {
            place = default;
            if (_nodes.TryWritePath(at, buffer, out ReadOnlySpan<byte> path) && (error = Check(_tree.Reach(path, out place), node, ref place, out facts)) == Errno.None)
            {
                return Errno.None;
            }
        }

        place = default;
        facts = default;
        if (_handles.Find(node)?.File is { } file)
        {
            place = TreePlace.Of(file);
            return place.Stat(out facts);
        }

        // The driver looks its path up again.
        return error is Errno.NoEntry or Errno.NotDirectory or Errno.Loop or Errno.CrossDevice ? Errno.Stale : error;
    }

    /// <summary>Whether what was reached is the node.</summary>
    private static int Check(int reached, ShareNode node, ref TreePlace place, out FileFacts facts)
    {
        facts = default;
        int error = reached != Errno.None ? reached : place.Stat(out facts);
        if (error == Errno.None && FileIdentity.Of(facts) != node.Identity)
        {
            error = Errno.Stale;
        }

        if (error != Errno.None)
        {
            place.Dispose();
            place = default;
        }

        return error;
    }
}
