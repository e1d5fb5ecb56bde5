using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>Names: found, given, taken.</content>
internal sealed partial class FuseServer
{
    private const uint NoReplace = 1;
    private const uint Exchange = 2;

    private int Lookup(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        if (error != Errno.None || (error = Reach(folder, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            return Enter(folder, place, name, ref writer);
        }
    }

    private int ReadLink(ShareNode node, ref FuseWriter writer)
    {
        int error = Reach(node, out TreePlace place, out FileFacts facts);
        if (error != Errno.None)
        {
            return error;
        }

        using (place)
        {
            int count = 0;
            error = facts.Kind != FileKind.SymbolicLink ? Errno.Invalid : place.ReadLink(_scratch.AsSpan(0, FileTree.MostPathBytes), out count);
            writer.Write(_scratch.AsSpan(0, error == Errno.None ? count : 0));
            return error;
        }
    }

    // The new name, then where it leads. That is the guest's to follow, by its own names.
    private int MakeSymbolicLink(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        ReadOnlySpan<byte> target = reader.Text();
        if ((error = Changing(reader, error)) != Errno.None || (error = Reach(folder, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.MakeSymbolicLink(name, target);
            return error != Errno.None ? error : Enter(folder, place, name, ref writer);
        }
    }

    // Mode u32, device u32, umask u32, reserved u32, name.
    private int MakeNode(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        uint mode = reader.UInt32();
        reader.Skip(3 * sizeof(uint));
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        var kind = (FileKind)(mode & ~Rights);
        if ((error = Changing(reader, error, mode)) != Errno.None || (error = Reach(folder, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            if (kind is FileKind.Regular or FileKind.None)
            {
                error = MakeFile(place, name, TreeFile.WriteOnly, mode, out TreeFile? file);
                file?.Dispose();
            }
            else
            {
                error = place.MakeNode(name, kind, mode & Rights);
                error = error != Errno.None ? error : RestoreRights(place, name, mode);
            }

            return error != Errno.None ? error : Enter(folder, place, name, ref writer);
        }
    }

    // Mode u32, umask u32, name.
    private int MakeFolder(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        uint mode = reader.UInt32();
        reader.Skip(sizeof(uint));
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        if ((error = Changing(reader, error)) != Errno.None || (error = Reach(folder, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.MakeFolder(name, mode & Rights);
            error = error != Errno.None ? error : RestoreRights(place, name, mode);
            return error != Errno.None ? error : Enter(folder, place, name, ref writer);
        }
    }

    private int Unlink(ShareNode parent, ref FuseReader reader, bool folder)
    {
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        if ((error = Changing(reader, error)) != Errno.None || (error = Reach(parent, out TreePlace place, out _)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.StatChild(name, out FileFacts facts);
            error = error != Errno.None ? error : place.Unlink(name, folder);
            if (error == Errno.None)
            {
                _nodes.Remove(facts, parent, name);
            }

            return error;
        }
    }

    // New folder u64, with flags: these u32 and a reserved u32; name, new name.
    private int Rename(ShareNode folder, ref FuseReader reader, bool withFlags)
    {
        ulong target = reader.UInt64();
        uint flags = withFlags ? reader.UInt32() : 0;
        reader.Skip(withFlags ? sizeof(uint) : 0);
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        ReadOnlySpan<byte> toName = NameOf(ref reader, out int other);
        error = Changing(reader, error != Errno.None ? error : other);
        if (error != Errno.None || (flags & ~(NoReplace | Exchange)) != 0 || _nodes.Find(target) is not { } toFolder)
        {
            return error != Errno.None ? error : (flags & ~(NoReplace | Exchange)) != 0 ? Errno.Invalid : Errno.Stale;
        }

        if ((error = Reach(folder, out TreePlace from, out _)) != Errno.None)
        {
            return error;
        }

        using (from)
        {
            if ((error = Reach(toFolder, out TreePlace to, out _)) != Errno.None)
            {
                return error;
            }

            using (to)
            {
                bool replaces = to.StatChild(toName, out FileFacts replaced) == Errno.None;
                error = from.StatChild(name, out FileFacts moved);
                error = error != Errno.None ? error : from.Rename(name, to, toName, flags);
                if (error == Errno.None && (!replaces || FileIdentity.Of(moved) != FileIdentity.Of(replaced)))
                {
                    NoteRenamed(folder, name, moved, toFolder, toName, replaces ? replaced : null, (flags & Exchange) != 0);
                }

                return error;
            }
        }
    }

    private void NoteRenamed(
        ShareNode from, scoped ReadOnlySpan<byte> name, in FileFacts moved, ShareNode to, scoped ReadOnlySpan<byte> toName, FileFacts? replaced, bool exchanged)
    {
        if (exchanged && replaced is { } other)
        {
            _nodes.Move(other, to, toName, from, name);
        }
        else if (replaced is { } gone)
        {
            _nodes.Remove(gone, to, toName);
        }

        _nodes.Move(moved, from, name, to, toName);
    }

    // The node that gets a name u64, the name; in this folder.
    private int Link(ShareNode folder, ref FuseReader reader, ref FuseWriter writer)
    {
        ulong old = reader.UInt64();
        ReadOnlySpan<byte> name = NameOf(ref reader, out int error);
        if ((error = Changing(reader, error)) != Errno.None || _nodes.Find(old) is not { } node)
        {
            return error != Errno.None ? error : Errno.Stale;
        }

        if ((error = Reach(node, out TreePlace place, out FileFacts facts)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            if (facts.Kind == FileKind.Folder || (error = Reach(folder, out TreePlace to, out _)) != Errno.None)
            {
                return facts.Kind == FileKind.Folder ? Errno.NotPermitted : error;
            }

            using (to)
            {
                error = place.Link(to, name);
                return error != Errno.None ? error : Enter(folder, to, name, ref writer);
            }
        }
    }

    /// <summary>Tells the guest what a name in a folder leads to.</summary>
    private int Enter(ShareNode folder, TreePlace place, scoped ReadOnlySpan<byte> name, ref FuseWriter writer)
    {
        int error = place.StatChild(name, out FileFacts facts);
        if (error != Errno.None || facts.IsMountRoot)
        {
            return error != Errno.None ? error : Errno.CrossDevice;
        }

        if (_nodes.Enter(folder, name, facts) is not { } node)
        {
            return Errno.TooManyHere;
        }

        WriteEntry(ref writer, node.Id, facts);
        return Errno.None;
    }

    /// <summary>Makes a file with the rights that were asked for.</summary>
    private int MakeFile(TreePlace folder, scoped ReadOnlySpan<byte> name, int access, uint mode, out TreeFile? file)
    {
        int error = folder.Create(name, access, mode & Rights, out file);
        return error == Errno.None && file is not null && (mode & _tree.HiddenRights) != 0 ? file.ChangeMode(mode & Rights) : error;
    }

    /// <summary>Gives what was just made the rights that this process's umask took from it.</summary>
    private int RestoreRights(TreePlace folder, scoped ReadOnlySpan<byte> name, uint mode)
    {
        if ((mode & _tree.HiddenRights) == 0)
        {
            return Errno.None;
        }

        int error = folder.ReachChild(name, out TreePlace made);
        using (made)
        {
            return error != Errno.None ? error
                : made.Stat(out FileFacts facts) is var bad and not Errno.None ? bad : ChangeMode(made, facts, mode & Rights);
        }
    }

    /// <summary>Why nothing may be changed: what was wrong already, or with the request, or the folder is there to be read only.</summary>
    private int Changing(in FuseReader reader, int error, uint mode = 0) =>
        error != Errno.None ? error : reader.Failed ? Errno.Invalid : _readOnly ? Errno.ReadOnlyFileSystem : (mode & SetIds) != 0 ? Errno.NotPermitted : Errno.None;

    /// <summary>Reads a name, and what is wrong with it.</summary>
    private static ReadOnlySpan<byte> NameOf(ref FuseReader reader, out int error)
    {
        ReadOnlySpan<byte> name = reader.Text();
        error = !reader.Failed && FuseName.IsValid(name) ? Errno.None : name.Length > FileTree.MostNameBytes ? Errno.NameTooLong : Errno.Invalid;
        return name;
    }
}
