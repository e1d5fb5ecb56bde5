using System.Diagnostics.CodeAnalysis;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>The blocks of a disk, whatever holds them: a host file, a device, an image of some format.</summary>
/// <remarks>
/// <i>Units</i>: offsets and lengths in bytes. A request may start and end anywhere inside <see cref="SizeBytes"/>; one that
/// reaches beyond it is answered with <see cref="DiskResult.IoError"/> and changes nothing.
/// <para><i>Errors</i>: what the host does to a request is its result; the caller logs it. What is wrong with an image is said when it
/// is opened, by an <see cref="Host.OperatorException"/>; tables that turn out to be malformed later are
/// <see cref="DiskResult.IoError"/>.</para>
/// <para><i>Threading</i>: every member but <see cref="IDisposable.Dispose"/> may be called on any thread, several at once. Two
/// requests under way at once on the same bytes leave either's, sector by sector. The creator disposes it, when no call is under way.</para>
/// </remarks>
public interface IDisk : IDisposable
{
    /// <summary>The size the guest sees: a multiple of 512; it may grow by a resize.</summary>
    long SizeBytes { get; }

    /// <summary>Whether every request that would change the disk is answered with <see cref="DiskResult.ReadOnly"/>.</summary>
    [SuppressMessage("Naming", "CA1716", Justification = "The word for disks; it is a keyword in Visual Basic only, which does not meet this.")]
    bool ReadOnly { get; }

    /// <summary>Reads all of <paramref name="data"/>; its contents are undefined where the answer is not Ok.</summary>
    DiskResult Read(long offset, ScatteredBytes data);

    /// <summary>Writes all of <paramref name="data"/>; where the answer is not Ok, a part may have been written.</summary>
    DiskResult Write(long offset, ReadOnlyScatteredBytes data);

    /// <summary>Answered Ok: every write answered before is on stable storage.</summary>
    DiskResult Flush();

    /// <summary>Gives the storage of a range back, as far as the format and the host can; its contents are undefined or zero afterwards.</summary>
    DiskResult Discard(long offset, long length);

    /// <summary>Makes a range read as zeros; with <paramref name="mayUnmap"/> its storage may be given back.</summary>
    DiskResult WriteZeroes(long offset, long length, bool mayUnmap);
}
