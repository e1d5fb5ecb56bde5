using System.Diagnostics;
using Bulkhead.Host;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Files of Debian packages that are not installed.</summary>
internal static class PackageFile
{
    /// <summary>The one file of a package that lies in a folder and begins so, or null where the host's apt cannot get it.</summary>
    /// <remarks>A package is kept in the user's cache as it was at first.</remarks>
    internal static string? Find(string package, string folder, string begin)
    {
        string kept = Path.Combine(UserFolders.Cache, "packages", package);
        if (!Directory.Exists(kept))
        {
            string making = Directory.CreateTempSubdirectory("bulkhead").FullName;
            if (!Run("apt-get", making, "-q", "-o", "APT::Sandbox::User=root", "download", package)
                || !Run("dpkg-deb", making, "-x", Directory.GetFiles(making, "*.deb")[0], "files"))
            {
                Directory.Delete(making, recursive: true);
                return null;
            }

            _ = Directory.CreateDirectory(Path.GetDirectoryName(kept)!); // the cache's own folder
            Run("cp", making, "-r", "files", kept);
            Directory.Delete(making, recursive: true);
        }

        return Directory.GetFiles(Path.Combine(kept, folder), begin + "*").Order().FirstOrDefault();
    }

    private static bool Run(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start) ?? throw new InvalidOperationException(program);
            process.OutputDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            _ = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
