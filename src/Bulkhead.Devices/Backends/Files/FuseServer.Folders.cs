using System.Buffers.Binary;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>What is in folders.</content>
internal sealed partial class FuseServer
{
    private const int LeastListBytes = 4096;
    private const int EntryBytes = 128;
    private const int NameHeaderBytes = 24;

    private int OpenFolder(ShareNode node, ref FuseWriter writer)
    {
        int error = _handles.IsFull ? Errno.TooManyOpen : Errno.None;
        if (error != Errno.None || (error = Reach(node, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.OpenFolder(out TreeFile? file);
            if (error == Errno.None && file is not null)
            {
                WriteHandle(ref writer, new ShareHandle(node, file, IsFolder: true, 0));
            }

            return error;
        }
    }

    // Handle u64, where to go on u64, size u32, and what does not matter here. Answered, each at a multiple of 8: with plus what Lookup answers; number u64,
    // where to go on u64, length of the name u32, kind u32, name.
    private int ReadFolder(ref FuseReader reader, ref FuseWriter writer, bool plus)
    {
        ulong id = reader.UInt64();
        int error = FileOf(id, folder: true, out TreeFile? folder);
        (ulong from, uint size) = (reader.UInt64(), reader.UInt32());
        if (error != Errno.None || reader.Failed || folder is null || _handles.Find(id) is not { } handle)
        {
            return error != Errno.None ? error : Errno.Invalid;
        }

        int room = (int)Math.Min(size, (uint)writer.Free.Length);
        error = folder.ReadFolder((long)from, _scratch.AsSpan(0, Math.Clamp(room, LeastListBytes, _scratch.Length)), out int count);
        if (error != Errno.None)
        {
            return error;
        }

        // As getdents64(2) has them: number u64, where to go on u64, length of it all u16, kind u8, name with a 0.
        for (ReadOnlySpan<byte> list = _scratch.AsSpan(0, count); list.Length > 0; list = list[BinaryPrimitives.ReadUInt16LittleEndian(list[16..])..])
        {
            ReadOnlySpan<byte> name = list[19..];
            name = name[..name.IndexOf((byte)0)];
            int length = NameHeaderBytes + ((name.Length + 7) & ~7) + (plus ? EntryBytes : 0);
            if (length > room - writer.Count)
            {
                break;
            }

            if (plus)
            {
                WriteFound(ref writer, handle.Node, folder, name);
            }

            writer.Write(list[..16]);
            writer.Write((uint)name.Length);
            writer.Write((uint)list[18]);
            writer.Write(name);
            writer.WriteZeros(-name.Length & 7);
        }

        return Errno.None;
    }

    /// <summary>Writes what a name leads to; nothing where that is not to be told, which the driver then asks for by itself.</summary>
    private void WriteFound(ref FuseWriter writer, ShareNode node, TreeFile folder, scoped ReadOnlySpan<byte> name)
    {
        if (FuseName.IsValid(name) && folder.StatChild(name, out FileFacts facts) == Errno.None && !facts.IsMountRoot && _nodes.Enter(node, name, facts) is { } found)
        {
            WriteEntry(ref writer, found.Id, facts);
        }
        else
        {
            writer.WriteZeros(EntryBytes);
        }
    }
}
