using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>The bytes an image's format is made of: a host file, or a part of one.</summary>
/// <remarks><i>Threading</i>: as <see cref="IDisk"/>. The disk that reads it disposes it.</remarks>
internal interface IImageFile : IDisposable
{
    /// <summary>What it is called in messages.</summary>
    string Name { get; }

    /// <summary>Whether it can be read only.</summary>
    bool ReadOnly { get; }

    /// <summary>The length in bytes.</summary>
    long LengthBytes { get; }

    /// <summary>Reads all of <paramref name="data"/>; what lies behind the end reads as zeros.</summary>
    DiskResult Read(long offset, ScatteredBytes data);

    /// <summary>Writes all of <paramref name="data"/>; the file grows where it ends before.</summary>
    DiskResult Write(long offset, ReadOnlyScatteredBytes data);

    /// <summary>Answered Ok: what was written before is on stable storage.</summary>
    DiskResult Sync();

    /// <summary>Gives the storage of a range back where the host can; it reads as zeros or as before.</summary>
    DiskResult Discard(long offset, long length);

    /// <summary>Makes a range inside the file read as zeros.</summary>
    DiskResult WriteZeroes(long offset, long length, bool mayUnmap);

    /// <summary>Cuts the file or makes it longer; new bytes read as zeros.</summary>
    DiskResult SetLength(long length);
}
