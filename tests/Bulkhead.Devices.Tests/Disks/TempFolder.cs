namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A folder for a test's files; in memory where a test opens very many.</summary>
internal sealed class TempFolder(bool inMemory = false) : IDisposable
{
    internal string Root { get; } = inMemory && Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/bulkhead-disks-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("bulkhead-disks-").FullName;

    internal string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
