using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <content>Extended attributes: those of users, of files and folders. The others are the host's own, and mean something to it.</content>
internal sealed partial class FuseServer
{
    private const int MostExtendedBytes = 64 << 10;

    private static ReadOnlySpan<byte> UserPrefix => "user."u8;

    // Size u32, flags u32, name, value.
    private int SetExtended(ShareNode node, ref FuseReader reader)
    {
        (uint size, uint flags) = (reader.UInt32(), reader.UInt32());
        ReadOnlySpan<byte> name = reader.Text();
        ReadOnlySpan<byte> value = reader.Bytes(size);
        int error = Changing(reader, size > MostExtendedBytes ? Errno.Invalid : ExtendedNameError(name));
        if (error != Errno.None || (error = ReachExtended(node, Errno.NotPermitted, out TreePlace place)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            return place.SetExtended(name, value, (int)flags);
        }
    }

    // Size u32, reserved u32, name. Answered: the value; for the size 0 that of the value u32, reserved u32.
    private int GetExtended(ShareNode node, ref FuseReader reader, ref FuseWriter writer)
    {
        uint size = reader.UInt32();
        reader.Skip(sizeof(uint));
        ReadOnlySpan<byte> name = reader.Text();
        int error = reader.Failed ? Errno.Invalid : ExtendedNameError(name);
        if (error != Errno.None || (error = ReachExtended(node, Errno.NoData, out TreePlace place)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.GetExtended(name, _scratch.AsSpan(0, (int)Math.Min(size, MostExtendedBytes)), out int count);
            return error != Errno.None ? error : Answer(_scratch.AsSpan(0, Math.Min(count, _scratch.Length)), size, ref writer);
        }
    }

    // As GetExtended, without a name.
    private int ListExtended(ShareNode node, ref FuseReader reader, ref FuseWriter writer)
    {
        uint size = reader.UInt32();
        int error = reader.Failed ? Errno.Invalid : Errno.None;
        if (error != Errno.None || (error = ReachExtended(node, Errno.NotSupported, out TreePlace place)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            error = place.ListExtended(_scratch, out int count);
            if (error != Errno.None)
            {
                return error;
            }

            // Those that are told move to the front.
            int kept = 0;
            for (int at = 0; at < count;)
            {
                int length = _scratch.AsSpan(at, count - at).IndexOf((byte)0) + 1;
                if (_scratch.AsSpan(at, length).StartsWith(UserPrefix))
                {
                    _scratch.AsSpan(at, length).CopyTo(_scratch.AsSpan(kept));
                    kept += length;
                }

                at += Math.Max(length, 1);
            }

            return Answer(_scratch.AsSpan(0, kept), size, ref writer);
        }
    }

    private int RemoveExtended(ShareNode node, ref FuseReader reader)
    {
        ReadOnlySpan<byte> name = reader.Text();
        int error = Changing(reader, ExtendedNameError(name));
        if (error != Errno.None || (error = ReachExtended(node, Errno.NoData, out TreePlace place)) != Errno.None)
        {
            return error;
        }

        using (place)
        {
            return place.RemoveExtended(name);
        }
    }

    private static int ExtendedNameError(scoped ReadOnlySpan<byte> name) => name.StartsWith(UserPrefix) ? Errno.None : Errno.NotSupported;

    private static int Answer(ReadOnlySpan<byte> value, uint size, ref FuseWriter writer)
    {
        if (size == 0)
        {
            writer.Write((uint)value.Length);
            writer.Write(0u);
            return Errno.None;
        }

        writer.Write(value.Length > size ? [] : value);
        return value.Length > size ? Errno.OutOfRange : Errno.None;
    }

    /// <summary>Finds what has such attributes; for everything else there is an answer without.</summary>
    private int ReachExtended(ShareNode node, int otherwise, out TreePlace place)
    {
        int error = Reach(node, out place, out FileFacts facts);
        if (error == Errno.None && facts.Kind is not (FileKind.Regular or FileKind.Folder))
        {
            place.Dispose();
            place = default;
            return otherwise;
        }

        return error;
    }
}
