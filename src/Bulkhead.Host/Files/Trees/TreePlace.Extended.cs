using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <content>Extended attributes; of files and folders, which alone have those of users.</content>
public readonly unsafe ref partial struct TreePlace
{
    /// <summary>Reads one; how many bytes it has, where there is no room for any.</summary>
    public int GetExtended(ReadOnlySpan<byte> name, Span<byte> value, out int count)
    {
        count = 0;
        byte* n = stackalloc byte[NameRoom];
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        if (Terminate(name, n) is var error and not Errno.None)
        {
            return error;
        }

        fixed (byte* v = value)
        {
            // SAFETY: the kernel writes at most the span (FileTreeTests).
            return Counted(TreeCalls.GetExtended(link, n, v, (nuint)value.Length), out count);
        }
    }

    /// <summary>Sets one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="flags">As setxattr(2) numbers them.</param>
    public int SetExtended(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags)
    {
        byte* n = stackalloc byte[NameRoom];
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        if (Terminate(name, n) is var error and not Errno.None)
        {
            return error;
        }

        fixed (byte* v = value)
        {
            // SAFETY: the kernel reads the span (FileTreeTests).
            return Result(TreeCalls.SetExtended(link, n, v, (nuint)value.Length, flags));
        }
    }

    /// <summary>Lists their names, each with a 0 behind it.</summary>
    public int ListExtended(Span<byte> names, out int count)
    {
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        fixed (byte* list = names)
        {
            // SAFETY: as in GetExtended.
            return Counted(TreeCalls.ListExtended(link, list, (nuint)names.Length), out count);
        }
    }

    /// <summary>Removes one.</summary>
    public int RemoveExtended(ReadOnlySpan<byte> name)
    {
        byte* n = stackalloc byte[NameRoom];
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        return Terminate(name, n) is var error and not Errno.None ? error : Result(TreeCalls.RemoveExtended(link, n));
    }

    private static int Counted(nint result, out int count)
    {
        count = (int)Math.Max(result, 0);
        return result >= 0 ? Errno.None : Marshal.GetLastPInvokeError();
    }
}
