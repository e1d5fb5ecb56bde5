using System.Diagnostics;
using Bulkhead.Core.State;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>The files and folders that a guest knows.</summary>
/// <remarks>
/// <para>No descriptor of the host stands behind one: it is found again by its place, and recognized by its identity. So a guest that knows a
/// million files costs memory alone, and what it knows can be saved.</para>
/// <para><i>Cost</i>: some 200 bytes each, and there are at most as many as the owner says. <i>Threading</i>: the server's lock.</para>
/// </remarks>
internal sealed class ShareNodes
{
    /// <summary>The most places of a node; the driver looks a name up again where the node is not found by any of them.</summary>
    internal const int MostPlaces = 64;

    private const ulong FirstId = Abi.Fuse.FuseHeader.RootNode + 1;

    private readonly Dictionary<ulong, ShareNode> _byId = [];
    private readonly Dictionary<FileIdentity, ShareNode> _byIdentity = [];
    private readonly int _most;
    private ulong _nextId = FirstId;
    private int _places;

    /// <summary>A table that knows the topmost folder.</summary>
    /// <param name="root">Which one that is.</param>
    /// <param name="most">The most nodes there may be, and the most places of all of them.</param>
    internal ShareNodes(FileIdentity root, int most)
    {
        _most = most;
        Root = new ShareNode(Abi.Fuse.FuseHeader.RootNode, root);
        Clear();
    }

    /// <summary>The topmost folder, which is never given back.</summary>
    internal ShareNode Root { get; }

    /// <summary>How many are known.</summary>
    internal int Count => _byId.Count;

    /// <summary>How many places they were seen at.</summary>
    internal int PlaceCount => _places;

    private bool IsFull => _places >= _most || _byId.Count > _most;

    /// <summary>The node of a number, or null.</summary>
    internal ShareNode? Find(ulong id) => _byId.GetValueOrDefault(id);

    /// <summary>The guest is told of what has a name in a folder: its node. Null where there is no room for one more.</summary>
    internal ShareNode? Enter(ShareNode folder, scoped ReadOnlySpan<byte> name, in FileFacts facts)
    {
        var identity = FileIdentity.Of(facts);
        if (!_byIdentity.TryGetValue(identity, out ShareNode? node))
        {
            if (IsFull)
            {
                return null;
            }

            node = new ShareNode(_nextId++, identity);
            _byId.Add(node.Id, node);
            _byIdentity.Add(identity, node);
        }

        if (node != Root)
        {
            Put(node, folder, name, onlyOne: facts.Kind == FileKind.Folder || IsFull);
        }

        node.Lookups++;
        return node;
    }

    /// <summary>The guest gives a node back that it was told of so often.</summary>
    internal void Forget(ShareNode node, ulong lookups)
    {
        node.Lookups -= Math.Min(lookups, node.Lookups);
        DropUnknown(node);
    }

    /// <summary>A file has another name now.</summary>
    internal void Move(in FileFacts facts, ShareNode from, scoped ReadOnlySpan<byte> name, ShareNode to, scoped ReadOnlySpan<byte> toName)
    {
        if (_byIdentity.TryGetValue(FileIdentity.Of(facts), out ShareNode? node) && node != Root)
        {
            // The new place first: it may be all that holds its folder.
            Put(node, to, toName, onlyOne: facts.Kind == FileKind.Folder);
            if (from != to || !name.SequenceEqual(toName))
            {
                Take(node, from, name);
            }
        }
    }

    /// <summary>A file has lost a name, and with its last one its identity: the host may give that to another.</summary>
    internal void Remove(in FileFacts facts, ShareNode folder, scoped ReadOnlySpan<byte> name)
    {
        if (_byIdentity.TryGetValue(FileIdentity.Of(facts), out ShareNode? node) && node != Root)
        {
            if (facts.Kind == FileKind.Folder || facts.Links <= 1)
            {
                _ = _byIdentity.Remove(node.Identity);
            }

            Take(node, folder, name);
            DropUnknown(node);
        }
    }

    /// <summary>Writes the path of a place, from the topmost folder on, at the end of a buffer; false where there is none, or no room.</summary>
    internal bool TryWritePath(SharePlace place, Span<byte> buffer, out ReadOnlySpan<byte> path)
    {
        int start = buffer.Length;
        path = default;
        while (place.Name.Length < start)
        {
            start -= place.Name.Length;
            place.Name.CopyTo(buffer[start..]);
            if (place.Folder == Root)
            {
                path = buffer[start..];
                return true;
            }

            if (place.Folder.Places.IsEmpty)
            {
                return false;
            }

            buffer[--start] = (byte)'/';
            place = place.Folder.Places[0];
        }

        return false;
    }

    /// <summary>The guest knows nothing any more.</summary>
    internal void Clear()
    {
        _byId.Clear();
        _byIdentity.Clear();
        _places = 0;
        Root.Children = 0;
        _byId.Add(Root.Id, Root);
        _byIdentity.Add(Root.Identity, Root);
    }

    /// <summary>Writes all that are known.</summary>
    internal void Save(StateWriter writer)
    {
        writer.Write(_nextId);
        writer.Write((uint)_byId.Count - 1);
        foreach (ShareNode node in _byId.Values.Where(n => n != Root))
        {
            writer.Write(node.Id);
            writer.Write(node.Lookups);
            writer.Write((uint)node.Places.Length);
            foreach (SharePlace place in node.Places)
            {
                writer.Write(place.Folder.Id);
                writer.Write((ushort)place.Name.Length);
                writer.Write(place.Name);
            }
        }
    }

    /// <summary>Reads that again; then <see cref="Identify"/> for each that is found.</summary>
    internal IReadOnlyList<ShareNode> Restore(StateReader reader)
    {
        Clear();
        _nextId = Math.Max(reader.ReadUInt64(), FirstId);
        uint count = reader.ReadUInt32();
        reader.Require(count <= (uint)_most, "more files than there may be");
        var places = new List<(ShareNode Node, ulong Folder, byte[] Name)>();
        for (uint i = 0; i < count && reader.Error is null; i++)
        {
            var node = new ShareNode(reader.ReadUInt64(), default) { Lookups = reader.ReadUInt64() };
            reader.Require(node.Id >= FirstId && node.Id < _nextId && _byId.TryAdd(node.Id, node), "the number of a file that cannot be");
            for (uint left = reader.ReadUInt32(); left > 0 && reader.Error is null; left--)
            {
                ulong folder = reader.ReadUInt64();
                byte[] name = new byte[reader.ReadUInt16()];
                reader.Read(name);
                reader.Require(FuseName.IsValid(name) && places.Count < _most, "a name that cannot be");
                places.Add((node, folder, name));
            }
        }

        // From the back: what is put is put in front.
        places.Reverse();
        foreach ((ShareNode node, ulong folder, byte[] name) in places)
        {
            ShareNode? parent = Find(folder);
            reader.Require(parent is not null && parent != node, "a folder that is not there");
            if (reader.Error is null && parent is not null)
            {
                Put(node, parent, name, onlyOne: false);
            }
        }

        reader.Require(_byId.Values.All(static n => n.Children == 0 || n.Places.Length <= 1), "a folder with several names");
        return [.. _byId.Values.Where(n => n != Root)];
    }

    /// <summary>A node that was restored was found again.</summary>
    internal void Identify(ShareNode node, in FileFacts facts)
    {
        node.Identity = FileIdentity.Of(facts);
        _ = _byIdentity.TryAdd(node.Identity, node);
    }

    private void Put(ShareNode node, ShareNode folder, scoped ReadOnlySpan<byte> name, bool onlyOne)
    {
        ReadOnlySpan<SharePlace> places = node.Places;
        for (int i = 0; i < places.Length; i++)
        {
            if (places[i].Is(folder, name))
            {
                return;
            }
        }

        folder.Children++;
        while (!node.Places.IsEmpty && (onlyOne || node.Places.Length >= MostPlaces))
        {
            TakeAt(node, node.Places.Length - 1);
        }

        _places++;
        node.AddPlace(new SharePlace(folder, name.ToArray()));
    }

    private void Take(ShareNode node, ShareNode folder, scoped ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < node.Places.Length; i++)
        {
            if (node.Places[i].Is(folder, name))
            {
                TakeAt(node, i);
                return;
            }
        }
    }

    private void TakeAt(ShareNode node, int index)
    {
        ShareNode folder = node.Places[index].Folder;
        node.RemovePlace(index);
        _places--;
        folder.Children--;
        DropUnknown(folder);
    }

    /// <summary>A node that neither the guest knows nor anything stands in goes, and with it maybe its folder.</summary>
    private void DropUnknown(ShareNode node)
    {
        while (node != Root && node is { Lookups: 0, Children: 0 } && _byId.Remove(node.Id))
        {
            if (_byIdentity.GetValueOrDefault(node.Identity) == node)
            {
                _ = _byIdentity.Remove(node.Identity);
            }

            Debug.Assert(_places >= node.Places.Length, "every place is counted");
            while (node.Places.Length > 1)
            {
                TakeAt(node, 1);
            }

            if (node.Places.IsEmpty)
            {
                return;
            }

            ShareNode folder = node.Places[0].Folder;
            node.RemovePlace(0);
            _places--;
            folder.Children--;
            node = folder;
        }
    }
}
