using System.Formats.Tar;
using System.Text;
using Bulkhead.Host;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Disks;

/// <summary>Takes out of an archive of a whole system what is needed to start it, and what it consists of.</summary>
internal static class RootArchive
{
    private const string KernelPrefix = "boot/vmlinuz-";
    private const string InitrdPrefix = "boot/initrd.img-";

    /// <summary>Writes the system's kernel and initramfs to files and returns the packages it has.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="kernelPath">Where the kernel goes.</param>
    /// <param name="initrdPath">Where the initramfs goes.</param>
    /// <param name="wanted">Other files by path, whose contents are put there.</param>
    internal static IReadOnlyList<DebianPackage> Extract(string archive, string kernelPath, string initrdPath, IDictionary<string, byte[]> wanted)
    {
        int kernels = 0;
        int initrds = 0;
        string? status = null;
        using (FileStream stream = File.OpenRead(archive))
        {
            using var tar = new TarReader(stream);
            while (tar.GetNextEntry() is { } entry)
            {
                string path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (path.StartsWith(KernelPrefix, StringComparison.Ordinal))
                {
                    kernels++;
                    entry.ExtractToFile(kernelPath, overwrite: true);
                }
                else if (path.StartsWith(InitrdPrefix, StringComparison.Ordinal))
                {
                    initrds++;
                    entry.ExtractToFile(initrdPath, overwrite: true);
                }
                else if (wanted.ContainsKey("/" + path) && entry.DataStream is { } content)
                {
                    using var bytes = new MemoryStream();
                    content.CopyTo(bytes);
                    wanted["/" + path] = bytes.ToArray();
                }
                else if (path == DpkgStatus.Path && entry.DataStream is { } data)
                {
                    using var reader = new StreamReader(data, Encoding.UTF8);
                    status = reader.ReadToEnd();
                }
            }
        }

        if (kernels != 1 || initrds != 1 || status is null)
        {
            throw new OperatorException(
                $"The packages installed {kernels} kernels and {initrds} initramfs; one of each was expected. A recipe names one kernel, and initramfs-tools among its packages.");
        }

        return DpkgStatus.Read(status);
    }
}
