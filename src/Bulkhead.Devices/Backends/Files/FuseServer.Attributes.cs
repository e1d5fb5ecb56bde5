using Bulkhead.Abi.Fuse;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>What there is to know of files, and to change of it.</content>
internal sealed partial class FuseServer
{
    private const uint SetIds = 0xc00; // a program that runs with its owner's or its group's rights
    private const uint Rights = 0xfff;

    // Flags u32, reserved u32, handle u64: a place tells the same.
    private int GetAttributes(ShareNode node, ref FuseWriter writer)
    {
        int error = Reach(node, out TreePlace place, out FileFacts facts);
        place.Dispose();
        if (error == Errno.None)
        {
            WriteAttributes(ref writer, facts);
        }

        return error;
    }

    // What u32, reserved u32, handle u64, size u64, lock owner u64, times of access, write and change u64 each and their nanoseconds u32 each, mode u32,
    // reserved u32, user u32, group u32, reserved u32.
    private int SetAttributes(ShareNode node, ref FuseReader reader, ref FuseWriter writer)
    {
        var what = (FuseChange)reader.UInt32();
        reader.Skip(sizeof(uint));
        (ulong handle, ulong size) = (reader.UInt64(), reader.UInt64());
        reader.Skip(sizeof(ulong));
        (long access, long write) = ((long)reader.UInt64(), (long)reader.UInt64());
        reader.Skip(sizeof(ulong));
        (uint accessNs, uint writeNs) = (reader.UInt32(), reader.UInt32());
        reader.Skip(sizeof(uint));
        uint mode = reader.UInt32();
        reader.Skip(sizeof(uint));
        (uint user, uint group) = (reader.UInt32(), reader.UInt32());
        if (reader.Failed || _readOnly)
        {
            return reader.Failed ? Errno.Invalid : Errno.ReadOnlyFileSystem;
        }

        int error = Reach(node, out TreePlace place, out FileFacts facts);
        if (error != Errno.None)
        {
            return error;
        }

        using (place)
        {
            if (((what & FuseChange.User) != 0 && user != UserOf(facts)) || ((what & FuseChange.Group) != 0 && group != GroupOf(facts)))
            {
                return Errno.NotPermitted;
            }

            if ((what & FuseChange.Mode) != 0 && (error = ChangeMode(place, facts, mode)) != Errno.None)
            {
                return error;
            }

            if ((what & FuseChange.Size) != 0 && (error = SetSize(place, (what & FuseChange.Handle) != 0 ? _handles.Find(handle) : null, (long)size)) != Errno.None)
            {
                return error;
            }

            if ((what & FuseChange.DropSetIds) != 0 && (facts.Mode & SetIds) != 0 && (error = DropSetIds(place, facts)) != Errno.None)
            {
                return error;
            }

            FileMoment accessed = TimeOf(what, FuseChange.AccessTime, FuseChange.AccessNow, access, accessNs);
            FileMoment written = TimeOf(what, FuseChange.WriteTime, FuseChange.WriteNow, write, writeNs);
            if ((accessed != FileMoment.Unchanged || written != FileMoment.Unchanged) && (error = place.SetTimes(accessed, written)) != Errno.None)
            {
                return error;
            }

            error = place.Stat(out facts);
            WriteAttributes(ref writer, facts);
            return error;
        }
    }

    // Mask u32, reserved u32.
    private int Access(ShareNode node, ref FuseReader reader)
    {
        const int write = 2;
        int mask = (int)reader.UInt32();
        int error = reader.Failed ? Errno.Invalid : Errno.None;
        if (error != Errno.None || (error = Reach(node, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            return _readOnly && (mask & write) != 0 ? Errno.ReadOnlyFileSystem : place.CheckAccess(mask);
        }
    }

    // Blocks, free, available, files, free u64 each; bytes of a block, of a name, of a unit u32 each; 28 bytes that are zero.
    private int Statistics(ref FuseWriter writer)
    {
        const int unusedBytes = 28;
        int error = _tree.StatVolume(out VolumeFacts facts);
        writer.Write(facts.Blocks);
        writer.Write(facts.FreeBlocks);
        writer.Write(facts.AvailableBlocks);
        writer.Write(facts.Files);
        writer.Write(facts.FreeFiles);
        writer.Write((uint)facts.BlockBytes);
        writer.Write((uint)facts.MostNameBytes);
        writer.Write((uint)facts.UnitBytes);
        writer.WriteZeros(unusedBytes);
        return error;
    }

    /// <summary>Writes how long attributes hold (s u64, ns u32), a reserved u32, and the attributes.</summary>
    private void WriteAttributes(ref FuseWriter writer, in FileFacts facts)
    {
        writer.Write(ValidSeconds);
        writer.Write(0ul);
        WriteFacts(ref writer, facts);
    }

    /// <summary>Writes what a name leads to: node u64, generation u64, how long name and attributes hold (s u64 each, ns u32 each), the attributes.</summary>
    private void WriteEntry(ref FuseWriter writer, ulong node, in FileFacts facts)
    {
        writer.Write(node);
        writer.Write(0ul);
        writer.Write(ValidSeconds);
        writer.Write(ValidSeconds);
        writer.Write(0ul);
        WriteFacts(ref writer, facts);
    }

    private void WriteFacts(ref FuseWriter writer, in FileFacts facts)
    {
        writer.Write(facts.Inode);
        writer.Write(facts.SizeBytes);
        writer.Write(facts.Blocks512);
        writer.Write((ulong)facts.AccessTime.Seconds);
        writer.Write((ulong)facts.WriteTime.Seconds);
        writer.Write((ulong)facts.ChangeTime.Seconds);
        writer.Write((uint)facts.AccessTime.Nanoseconds);
        writer.Write((uint)facts.WriteTime.Nanoseconds);
        writer.Write((uint)facts.ChangeTime.Nanoseconds);
        writer.Write(facts.Mode);
        writer.Write(facts.Links);
        writer.Write(UserOf(facts));
        writer.Write(GroupOf(facts));
        writer.Write(facts.Device);
        writer.Write(facts.BlockBytes);
        writer.Write(0u);
    }

    private uint UserOf(in FileFacts facts) => facts.User == _user ? 0 : Nobody;

    private uint GroupOf(in FileFacts facts) => facts.Group == _group ? 0 : Nobody;

    private static int ChangeMode(TreePlace place, in FileFacts facts, uint mode) =>
        facts.Kind == FileKind.SymbolicLink ? Errno.NotSupported
            : facts.Kind != FileKind.Folder && (mode & SetIds) != 0 ? Errno.NotPermitted : place.ChangeMode(mode & Rights);

    private static int DropSetIds(TreePlace place, in FileFacts facts) =>
        facts.Kind == FileKind.Regular ? place.ChangeMode(facts.Mode & Rights & ~SetIds) : Errno.None;

    private int SetSize(TreePlace place, ShareHandle? open, long size)
    {
        if (open?.File is { } known)
        {
            return open.IsWritable ? SetSize(known, size) : Errno.Invalid;
        }

        int error = place.Open(TreeFile.WriteOnly, out TreeFile? file);
        using (file)
        {
            return file is null ? error : SetSize(file, size);
        }
    }

    private int SetSize(TreeFile file, long size) => DropSetIds(file) is var error and not Errno.None ? error : file.SetLength(size);

    private static FileMoment TimeOf(FuseChange what, FuseChange given, FuseChange now, long seconds, uint ns) =>
        (what & now) != 0 ? FileMoment.Now : (what & given) != 0 ? new FileMoment(seconds, ns) : FileMoment.Unchanged;
}
