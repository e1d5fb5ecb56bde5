using Bulkhead.Core.State;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>What the guest knows and has open, for a machine that goes on later or elsewhere.</content>
/// <remarks>All of it is found again by its path. What is not there any more is stale for the guest, which looks it up again; a file that was
/// open and had no name stays so.</remarks>
internal sealed partial class FuseServer
{
    /// <summary>Writes it. While no request is served.</summary>
    internal void Save(StateWriter writer)
    {
        lock (_lock)
        {
            writer.Begin("share", 1);
            writer.Write(_begun);
            _nodes.Save(writer);
            writer.Write(_handles.NextId);
            writer.Write((uint)_handles.Count);
            foreach ((ulong id, ShareHandle handle) in _handles.All)
            {
                writer.Write(id);
                writer.Write(_nodes.Find(handle.Node.Id) == handle.Node ? handle.Node.Id : 0);
                writer.Write(handle.IsFolder);
                writer.Write(handle.Access);
            }

            writer.End();
        }
    }

    /// <summary>Reads it again.</summary>
    internal void Restore(StateReader reader)
    {
        lock (_lock)
        {
            _ = reader.Begin("share", 1);
            _ = Destroy();
            _begun = reader.ReadBoolean();
            foreach (ShareNode node in _nodes.Restore(reader))
            {
                Identify(node);
            }

            _handles.NextId = reader.ReadUInt64();
            uint count = reader.ReadUInt32();
            for (uint i = 0; i < count && reader.Error is null; i++)
            {
                (ulong id, ulong node, bool folder, uint access) = (reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadBoolean(), reader.ReadUInt32());
                TreeFile? file = null;
                ShareNode? known = _nodes.Find(node);
                if (reader.Error is null && known is not null)
                {
                    file = Reopen(known, folder, access);
                }

                if (!_handles.TryAdd(id, new ShareHandle(known ?? new ShareNode(0, default), file, folder, access)))
                {
                    file?.Dispose();
                    reader.Require(false, "an open file that cannot be");
                }
            }

            reader.EndSection();
        }
    }

    private void Identify(ShareNode node)
    {
        Span<byte> buffer = stackalloc byte[FileTree.MostPathBytes];
        foreach (SharePlace at in node.Places)
        {
            if (_nodes.TryWritePath(at, buffer, out ReadOnlySpan<byte> path) && _tree.Reach(path, out TreePlace place) == Errno.None)
            {
                using (place)
                {
                    if (place.Stat(out FileFacts facts) == Errno.None)
                    {
                        _nodes.Identify(node, facts);
                        return;
                    }
                }
            }
        }
    }

    private TreeFile? Reopen(ShareNode node, bool folder, uint access)
    {
        TreeFile? file = null;
        if (CheckOpening(access & ~(uint)TreeFile.Truncates) == Errno.None && Reach(node, out TreePlace place, out _) == Errno.None)
        {
            using (place)
            {
                _ = folder ? place.OpenFolder(out file) : place.Open((int)access & ~TreeFile.Truncates, out file);
            }
        }

        return file;
    }
}
