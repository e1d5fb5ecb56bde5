using System.Formats.Tar;

namespace Bulkhead.Images.Debian;

/// <summary>Reads files out of a package without installing it.</summary>
internal static class DebArchive
{
    /// <summary>Reads the files and links whose normalized path <paramref name="wanted"/> accepts.</summary>
    internal static IReadOnlyList<DebFile> Read(string packagePath, Func<string, bool> wanted)
    {
        var files = new List<DebFile>();
        HostTool.Read("dpkg-deb", ["--fsys-tarfile", packagePath], stream => ReadTar(stream, wanted, files));
        return files;
    }

    internal static string Normalize(string path)
    {
        string trimmed = path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path.TrimStart('/');
        return trimmed.StartsWith("usr/", StringComparison.Ordinal) ? trimmed[4..] : trimmed;
    }

    private static void ReadTar(Stream stream, Func<string, bool> wanted, List<DebFile> files)
    {
        using var tar = new TarReader(stream, leaveOpen: true);
        while (tar.GetNextEntry() is TarEntry entry)
        {
            string path = Normalize(entry.Name);
            if (!wanted(path))
            {
                continue;
            }

            if (entry.EntryType is TarEntryType.SymbolicLink)
            {
                files.Add(new DebFile(path, [], entry.LinkName));
            }
            else if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            {
                using var content = new MemoryStream(checked((int)entry.Length));
                entry.DataStream?.CopyTo(content);
                files.Add(new DebFile(path, content.ToArray(), null));
            }
        }
    }
}
