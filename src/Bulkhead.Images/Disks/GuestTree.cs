using System.Formats.Tar;
using System.Text;

namespace Bulkhead.Images.Disks;

/// <summary>An archive of files that a guest has besides those of its packages, all of them root's.</summary>
internal sealed class GuestTree : IDisposable
{
    private const UnixFileMode Plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnFolder = Own | UnixFileMode.UserExecute;

    private readonly TarWriter _tar;
    private readonly DateTimeOffset _time;

    /// <summary>Starts an archive.</summary>
    /// <param name="path">The archive's path.</param>
    /// <param name="epoch">The files' time, in seconds since 1970.</param>
    internal GuestTree(string path, long epoch)
    {
        _tar = new TarWriter(File.Create(path), TarEntryFormat.Ustar);
        _time = DateTimeOffset.FromUnixTimeSeconds(epoch);
    }

    /// <summary>Adds a file that anyone may read; folders that are missing above it will be as usual.</summary>
    internal void Add(string path, string content) => Write(path, content, Plain);

    /// <summary>Adds a file in a folder that only root may look into.</summary>
    internal void AddOwn(string folder, string name, string content)
    {
        _tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, folder.Trim('/') + "/") { Mode = OwnFolder, ModificationTime = _time });
        Write($"{folder}/{name}", content, Own);
    }

    /// <inheritdoc/>
    public void Dispose() => _tar.Dispose();

    private void Write(string path, string content, UnixFileMode mode)
    {
        using var bytes = new MemoryStream(Encoding.UTF8.GetBytes(content));
        _tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path.TrimStart('/')) { Mode = mode, ModificationTime = _time, DataStream = bytes });
    }
}
