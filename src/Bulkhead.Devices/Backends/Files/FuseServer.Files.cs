using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>What is in files.</content>
internal sealed partial class FuseServer
{
    private const uint Exclusive = 0x80;
    private const uint SyncsDataOnly = 1;
    private const int MostCopiedBytes = 16 << 20;
    private const uint SeekData = 3;
    private const uint SeekHole = 4;

    // Flags u32, more flags u32.
    private int Open(ShareNode node, ref FuseReader reader, ref FuseWriter writer)
    {
        uint flags = reader.UInt32();
        reader.Skip(sizeof(uint));
        int error = reader.Failed ? Errno.Invalid : CheckOpening(flags);
        if (error != Errno.None || (error = Reach(node, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            return Open(node, place, flags, ref writer);
        }
    }

    // Flags u32, mode u32, umask u32, more flags u32, name.
    private int Create(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        (uint flags, uint mode) = (reader.UInt32(), reader.UInt32());
        reader.Skip(2 * sizeof(uint));
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        if ((error = Changing(reader, error, mode)) != Errno.None || (error = CheckOpening(flags)) != Errno.None
            || (error = Reach(folder, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = MakeFile(place, name, (int)flags, mode, out TreeFile? file);
            if (error == Errno.Exists && (flags & Exclusive) == 0)
            {
                return OpenThere(folder, place, name, flags, ref writer);
            }

            if (file is null || error != Errno.None || (error = file.Stat(out FileFacts facts)) != Errno.None || _nodes.Enter(folder, name, facts) is not { } node)
            {
                file?.Dispose();
                return error != Errno.None ? error : Errno.TooManyHere;
            }

            WriteEntry(ref writer, node.Id, facts);
            WriteHandle(ref writer, new ShareHandle(node, file, IsFolder: false, flags));
            return Errno.None;
        }
    }

    // Handle u64, offset u64, size u32, flags u32, lock owner u64, file's flags u32, reserved u32.
    private int Read(ref FuseReader reader, ref FuseWriter writer)
    {
        int error = FileOf(reader.UInt64(), folder: false, out TreeFile? file);
        (ulong offset, uint size) = (reader.UInt64(), reader.UInt32());
        if (error != Errno.None || file is null || reader.Failed || size > MostDataBytes)
        {
            return error != Errno.None ? error : Errno.Invalid;
        }

        error = file.Read((long)offset, writer.Free[..Math.Min((int)size, writer.Free.Length)], out int count);
        writer.Advance(count);
        return error;
    }

    // Handle u64, offset u64, size u32, flags u32, lock owner u64, file's flags u32, reserved u32, the data. Answered: size u32, reserved u32.
    private int Write(ref FuseReader reader, ref FuseWriter writer)
    {
        int error = WritableOf(reader.UInt64(), out TreeFile? file);
        (ulong offset, uint size) = (reader.UInt64(), reader.UInt32());
        reader.Skip(sizeof(uint) + (2 * sizeof(ulong)));
        ReadOnlySpan<byte> data = reader.Bytes(size);
        if (error != Errno.None || file is null || reader.Failed)
        {
            return error != Errno.None ? error : Errno.Invalid;
        }

        if ((error = DropSetIds(file)) != Errno.None)
        {
            return error;
        }

        error = file.Write((long)offset, data, out int count);
        writer.Write((uint)count);
        writer.Write(0u);
        return error;
    }

    // Handle u64, and what does not matter here.
    private int Release(ref FuseReader reader, bool folder)
    {
        ulong id = reader.UInt64();
        if (_handles.Find(id)?.IsFolder != folder)
        {
            return Errno.BadDescriptor;
        }

        _handles.Close(id);
        return Errno.None;
    }

    // Handle u64, flags u32, reserved u32.
    private int Sync(ref FuseReader reader, bool folder)
    {
        int error = FileOf(reader.UInt64(), folder, out TreeFile? file);
        uint flags = reader.UInt32();
        return error != Errno.None || file is null ? error : reader.Failed ? Errno.Invalid : file.Sync((flags & SyncsDataOnly) != 0);
    }

    // Handle u64, offset u64, length u64, mode u32, reserved u32.
    private int Allocate(ref FuseReader reader)
    {
        int error = WritableOf(reader.UInt64(), out TreeFile? file);
        (ulong offset, ulong length, uint mode) = (reader.UInt64(), reader.UInt64(), reader.UInt32());
        error = _readOnly ? Errno.ReadOnlyFileSystem : error != Errno.None ? error : reader.Failed ? Errno.Invalid : Errno.None;
        return error != Errno.None || file is null || (error = DropSetIds(file)) != Errno.None ? error : file.Allocate((int)mode, (long)offset, (long)length);
    }

    // Handle u64, offset u64, for what u32, reserved u32. Answered: offset u64.
    private int Seek(ref FuseReader reader, ref FuseWriter writer)
    {
        int error = FileOf(reader.UInt64(), folder: false, out TreeFile? file);
        (ulong offset, uint what) = (reader.UInt64(), reader.UInt32());
        if (error != Errno.None || file is null || reader.Failed || what is not (SeekData or SeekHole))
        {
            return error != Errno.None ? error : Errno.Invalid;
        }

        error = file.Find(what == SeekHole, (long)offset, out long found);
        writer.Write((ulong)found);
        return error;
    }

    // Handle u64, offset u64, the other node u64, its handle u64, offset u64, length u64, flags u64. Answered: size u32, reserved u32.
    private int CopyRange(ref FuseReader reader, ref FuseWriter writer)
    {
        int error = FileOf(reader.UInt64(), folder: false, out TreeFile? from);
        ulong offset = reader.UInt64();
        reader.Skip(sizeof(ulong));
        int other = WritableOf(reader.UInt64(), out TreeFile? to);
        (ulong toOffset, ulong length, ulong flags) = (reader.UInt64(), reader.UInt64(), reader.UInt64());
        if (error != Errno.None || other != Errno.None || reader.Failed || flags != 0 || from is null || to is null)
        {
            return error != Errno.None ? error : other != Errno.None ? other : Errno.Invalid;
        }

        if ((error = DropSetIds(to)) != Errno.None)
        {
            return error;
        }

        // The driver asks again for the rest.
        error = from.CopyRange((long)offset, to, (long)toOffset, (int)Math.Min(length, MostCopiedBytes), out int count);
        writer.Write((uint)count);
        writer.Write(0u);
        return error;
    }

    /// <summary>Opens what somebody of the host made meanwhile.</summary>
    private int OpenThere(ShareNode folder, TreePlace place, scoped ReadOnlySpan<byte> name, uint flags, ref FuseWriter writer)
    {
        int error = place.ReachChild(name, out TreePlace there);
        if (error != Errno.None)
        {
            return error;
        }

        using (there)
        {
            error = there.Stat(out FileFacts facts);
            if (error != Errno.None || facts.Kind != FileKind.Regular || _nodes.Enter(folder, name, facts) is not { } node)
            {
                return error != Errno.None ? error : facts.Kind != FileKind.Regular ? Errno.Exists : Errno.TooManyHere;
            }

            WriteEntry(ref writer, node.Id, facts);
            error = Open(node, there, flags, ref writer);
            if (error != Errno.None)
            {
                _nodes.Forget(node, 1);
            }

            return error;
        }
    }

    private int Open(ShareNode node, TreePlace place, uint flags, ref FuseWriter writer)
    {
        int error = place.Open((int)flags, out TreeFile? file);
        if (error != Errno.None || file is null)
        {
            return error;
        }

        // It is cut already: nothing of the guest's is in it yet.
        if ((flags & TreeFile.Truncates) != 0 && (error = DropSetIds(file)) != Errno.None)
        {
            file.Dispose();
            return error;
        }

        WriteHandle(ref writer, new ShareHandle(node, file, IsFolder: false, flags));
        return Errno.None;
    }

    /// <summary>Why nothing may be opened so.</summary>
    private int CheckOpening(uint flags) =>
        (flags & ShareHandle.AccessBits) == ShareHandle.AccessBits ? Errno.Invalid
            : _readOnly && (flags & (ShareHandle.AccessBits | TreeFile.Truncates)) != 0 ? Errno.ReadOnlyFileSystem
            : _handles.IsFull ? Errno.TooManyOpen : Errno.None;

    /// <summary>Writes a new handle u64, flags u32, reserved u32.</summary>
    private void WriteHandle(ref FuseWriter writer, ShareHandle handle)
    {
        writer.Write(_handles.Add(handle));
        writer.Write(0ul);
    }

    private int FileOf(ulong id, bool folder, out TreeFile? file)
    {
        ShareHandle? handle = _handles.Find(id);
        file = handle?.File;
        return handle?.IsFolder != folder ? Errno.BadDescriptor : file is null ? Errno.Stale : Errno.None;
    }

    private int WritableOf(ulong id, out TreeFile? file)
    {
        int error = FileOf(id, folder: false, out file);
        return error == Errno.None && _handles.Find(id) is { IsWritable: false } ? Errno.BadDescriptor : error;
    }

    /// <summary>Takes the bits away before a file is changed, whether or not the driver asks for that.</summary>
    /// <remarks>Each time, as somebody of the host may set them while the guest has it open. For everybody but root the host's kernel does it.</remarks>
    private int DropSetIds(TreeFile file)
    {
        if (_user != 0)
        {
            return Errno.None;
        }

        int error = file.Stat(out FileFacts facts);
        return error != Errno.None || (facts.Mode & SetIds) == 0 ? error : file.ChangeMode(facts.Mode & Rights & ~SetIds);
    }
}
